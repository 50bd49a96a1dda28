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

// Headroom is how much load of a model kept a promise in the load test, and how much there is
// now, in requests in flight.
type Headroom struct {
	Model string
	SLO   string
	// Highest is the highest load that kept the promise; 0 if not even the lowest did.
	Highest float64
	// Load is the mean of the last minute, or what the server told a canary if that is more.
	Load float64
	// Carried is the mean of the requests that went through headway, over a time that the
	// caller chose.
	Carried float64
}

// Ratio is the highest load that kept the promise ÷ the load now. 1 and below is no room.
// Without Load it means nothing.
func (h *Headroom) Ratio() float64 { return h.Highest / h.Load }

// Headrooms returns the room of each model of the baseline and each promise. Of several
// tested lengths it is the least. It leaves out promises about which the load test does not
// say which load kept them. Carried looks back over carried, at most four minutes.
func (w *Watch) Headrooms(promises []Promise, now time.Time, carried time.Duration) []Headroom {
	w.mu.Lock()
	cells, loads := w.book.cells, map[string]Headroom{}
	for _, model := range w.book.models {
		loads[model] = Headroom{Model: model, Load: w.loads.now(model, now), Carried: w.loads.carried(model, now, carried)}
	}
	w.mu.Unlock()
	var out []Headroom
	for _, p := range promises {
		most := mostLoads(cells, p)
		for model, h := range loads {
			if highest, known := most[model]; known {
				h.SLO, h.Highest = p.SLO, highest
				out = append(out, h)
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
