package report

import (
	"slices"

	"github.com/headway-sidecar/headway/exporter/capture"
)

// underWay holds when exchanges began and ended, in nanoseconds: 16 bytes an exchange. A
// file has them in the order of their ends, and a long exchange may have begun before any
// other, so that only the whole capture tells how many were under way at once.
type underWay struct{ starts, ends []int64 }

func (u *underWay) add(l *capture.Line) {
	u.starts = append(u.starts, l.Start.UnixNano())
	u.ends = append(u.ends, end(l).UnixNano())
}

// peak is the largest number of exchanges under way at once. An exchange that ends as
// another begins is not under way with it.
func (u *underWay) peak() int {
	slices.Sort(u.starts)
	slices.Sort(u.ends)
	ended, most := 0, 0
	for began, at := range u.starts {
		for ended < len(u.ends) && u.ends[ended] <= at {
			ended++
		}
		most = max(most, began+1-ended)
	}
	return most
}
