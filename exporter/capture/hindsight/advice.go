package hindsight

import (
	"slices"
	"time"
)

const (
	// mayKill is the share of answered exchanges that the best timeout may kill.
	mayKill = .001
	// room is how much longer the best timeout is than the longest wait that it must let
	// pass: the longest wait to come is longer than the longest one so far.
	room = 1.5
	// enoughGood is the least number of answered exchanges that advice rests on.
	enoughGood = 100
	// enoughLeft is the least number of clients that make a timeout of their own likely, and
	// agreed how near to each other they left.
	enoughLeft = 5
	agreed     = 1.02
)

func (w *waits) advise(k Kind) Advice {
	good := slices.Clone(w.good[k])
	slices.Sort(good)
	out := Advice{Kind: k, GaveUp: w.gaveUp(k)}
	out.LongestGood = w.longest[k].Seconds()
	for _, v := range values() {
		row := w.row(k, v, good)
		out.Rows = append(out.Rows, row)
		if row.Killed == 0 && row.Hung == 0 {
			break // so are all that are longer
		}
	}
	if len(good) < enoughGood {
		return out
	}
	mustPass := good[len(good)-1-int(mayKill*float64(len(good)))]
	for _, v := range values() {
		if v.Seconds() >= inSeconds(mustPass)*room {
			out.Best = new(w.row(k, v, good))
			break
		}
	}
	return out
}

// row is how one value would have gone. The waits of answered exchanges are sorted.
func (w *waits) row(k Kind, v time.Duration, good []micros) Timeout {
	row := Timeout{Seconds: v.Seconds(), Killed: len(good) - upTo(good, micros(v/time.Microsecond))}
	row.KilledAtMost = atMost(row.Killed, len(good))
	var saved time.Duration
	for i := range w.bad {
		e := &w.bad[i]
		if s := e.saved(k, v); s > 0 {
			row.Hung++
			if e.cutShort {
				row.HungCutShort++
			}
			saved += s
		}
		if open := e.open(k); e.cutShort && open >= second && open <= v {
			row.Unknown++
		}
	}
	row.Saved = saved.Seconds()
	return row
}

// gaveUp finds a wait near which most of the clients left that had waited for a second or
// longer.
func (w *waits) gaveUp(k Kind) *GaveUp {
	var left []time.Duration
	for i := range w.bad {
		if e := &w.bad[i]; e.left && e.open(k) >= second {
			left = append(left, e.open(k))
		}
	}
	slices.Sort(left)
	var best GaveUp
	for from, upTo := 0, 0; from < len(left); from++ {
		for upTo < len(left) && float64(left[upTo]) <= float64(left[from])*agreed {
			upTo++
		}
		if upTo-from > best.Clients {
			best = GaveUp{Seconds: left[from].Seconds(), Clients: upTo - from, Of: len(left)}
		}
	}
	if best.Clients < enoughLeft || 2*best.Clients < best.Of {
		return nil
	}
	return &best
}

// label is how tables and settings name the timeout.
func (k Kind) label() string {
	switch k {
	case FirstByte:
		return "first byte"
	case IdleTime:
		return "idle between bytes"
	}
	return "total"
}
