package watch

import (
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// Promise is an SLO as limits that a cell of a load test can keep.
type Promise struct {
	SLO    string
	Covers func(model string) bool
	Limits baseline.Limits
}

// Headroom is the highest load that kept a promise in the load test ÷ the load now, in
// requests in flight. 1 and below is no room.
type Headroom struct {
	Model string
	SLO   string
	Ratio float64
}

// Headrooms returns the room of each model of the baseline and each promise. Of several
// tested lengths it is the least. It leaves out models without traffic in the last minute,
// and promises about which the load test does not say which load kept them.
func (w *Watch) Headrooms(promises []Promise, now time.Time) []Headroom {
	w.mu.Lock()
	cells, loads := w.book.cells, map[string]float64{}
	for _, model := range w.book.models {
		loads[model] = w.loads.now(model, now)
	}
	w.mu.Unlock()
	var out []Headroom
	for _, p := range promises {
		most := mostLoads(cells, p)
		for model, load := range loads {
			if highest, known := most[model]; known && load > 0 {
				out = append(out, Headroom{model, p.SLO, highest / load})
			}
		}
	}
	return out
}

// mostLoads finds for each model the highest load up to which every tested length keeps p.
func mostLoads(cells []baseline.Cell, p Promise) map[string]float64 {
	out := map[string]float64{}
	for _, w := range baseline.Workloads(baseline.Baseline{Cells: cells}) {
		model := w.Cells[0].Model
		if !p.Covers(model) || len(p.Limits.Bounds) == 0 {
			continue
		}
		reach, load, known := w.Reach(p.Limits), 0., false
		switch {
		case reach.Highest != nil:
			load, known = drift.InFlight(reach.Highest.Load)
		case reach.Stopped != nil:
			known = reach.Known // not even the lowest load kept them
		}
		if before, has := out[model]; known && (!has || load < before) {
			out[model] = load
		}
	}
	return out
}
