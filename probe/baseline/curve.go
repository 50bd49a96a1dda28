package baseline

import (
	"fmt"
	"slices"
	"strings"
)

// Curve is latency over throughput of a workload that was tested under two or more loads.
type Curve struct {
	Workload
	// Of names the latency that the curve shows: TTFT, or else E2E, TPOT or TTFB.
	Of Name
	// Tokens says that the throughput is output tokens a second, and not requests.
	Tokens bool
	// Means says that at least one latency is a mean, because its cell has no median.
	Means bool
	// Points are the cells, in their order.
	Points []Point
}

// Point is a cell of a curve: its throughput a second, and its latency in seconds.
type Point struct{ Throughput, Latency float64 }

// Curve draws the workload. It is false if there are no two loads, or if there is no
// throughput or no latency that all cells have.
func (w Workload) Curve() (Curve, bool) {
	if !w.Swept() {
		return Curve{}, false
	}
	c := Curve{Workload: w}
	c.Tokens = w.all(func(one *Cell) bool { return one.Throughput.OutputTokens != nil })
	if !c.Tokens && !w.all(func(one *Cell) bool { return one.Throughput.Requests != nil }) {
		return Curve{}, false
	}
	names := []Name{TTFT, E2E, TPOT, TTFB}
	i := slices.IndexFunc(names, func(name Name) bool {
		return w.all(func(one *Cell) bool { _, known := one.Indicators[name].center(); return known })
	})
	if i < 0 {
		return Curve{}, false
	}
	c.Of = names[i]
	for _, one := range w.Cells {
		at := one.Throughput.Requests
		if c.Tokens {
			at = one.Throughput.OutputTokens
		}
		in := one.Indicators[c.Of]
		latency, _ := in.center()
		if _, median := in.Quantiles.At(.5); !median {
			c.Means = true
		}
		c.Points = append(c.Points, Point{*at, latency})
	}
	return c, true
}

// Swept says whether the workload was tested under two loads or more.
func (w Workload) Swept() bool { return w.Cells[0].Load.Value != w.Cells[len(w.Cells)-1].Load.Value }

func (w Workload) all(has func(*Cell) bool) bool {
	for i := range w.Cells {
		if !has(&w.Cells[i]) {
			return false
		}
	}
	return true
}

// center is the median, or else the mean.
func (in Indicator) center() (float64, bool) {
	if v, ok := in.Quantiles.At(.5); ok {
		return v, true
	}
	if in.Mean != nil {
		return *in.Mean, true
	}
	return 0, false
}

// Latency is the name of the latency axis, without a unit.
func (c *Curve) Latency() string {
	kind := "median "
	if c.Means {
		kind = "median or mean "
	}
	return kind + strings.ToUpper(string(c.Of))
}

// Throughput is the name of the throughput axis, which is its unit.
func (c *Curve) Throughput() string {
	if c.Tokens {
		return "output tokens/s"
	}
	return "requests/s"
}

// A curve has a knee if it lies at least bend below its diagonal: a straight line from the
// origin has 0, a right angle almost 1. Two distances within a share of alike are no
// different: a throughput is not surer than that.
const (
	bend  = .2
	alike = .95
)

// Knee is the load after which latency grows faster than throughput. With both axes scaled
// to their highest values it is the lowest of the loads that are farthest below the
// diagonal, as Kneedle (Satopää et al., 2011) finds a knee, but with axes that begin at 0: so
// a throughput that hardly varies is no bend. It is false with fewer than three cells, for a
// curve that does not bend so much, and for one that had not bent before the last load. If
// it is the first cell, the true knee may lie below.
func (c *Curve) Knee() (Cell, bool) {
	top, last := c.Top(), len(c.Points)-1
	if last < 2 || top.Throughput <= 0 || top.Latency <= 0 {
		return Cell{}, false
	}
	below := make([]float64, len(c.Points))
	for i, p := range c.Points {
		below[i] = p.Throughput/top.Throughput - p.Latency/top.Latency
	}
	far := slices.Max(below)
	i := slices.IndexFunc(below, func(d float64) bool { return d >= alike*far })
	if far < bend || below[last] >= alike*far {
		return Cell{}, false
	}
	return c.Cells[i], true
}

// Top has the highest throughput and the highest latency.
func (c *Curve) Top() (top Point) {
	for _, p := range c.Points {
		top = Point{max(top.Throughput, p.Throughput), max(top.Latency, p.Latency)}
	}
	return top
}

// Words is the load as people say it.
func (l Load) Words() string {
	switch l.Kind {
	case Concurrency:
		return fmt.Sprintf("%g in flight", l.Value)
	case Rate:
		return fmt.Sprintf("%g/s", l.Value)
	}
	return "all at once"
}
