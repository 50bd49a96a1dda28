package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/probe/probefile"
	"github.com/headway-sidecar/headway/probe/watch"
)

// plannedRuns is how many changes the plan simulates for each number.
const plannedRuns = 300

// writePlan prints what each probe uses in a day, and how long it takes until a change of
// TTFT is noticed, where the baseline has its cell.
func writePlan(out io.Writer, c config.Config) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "probe\tevery\ttokens a day\tmoney a day\tTTFT +10 %\t+25 %\t+50 %\t× 2\t")
	sharing := watch.SharingOf(c.Tested.Baseline, c.Probes.List).Latencies
	for i := range c.Probes.List {
		p := &c.Probes.List[i]
		tokens, money := probefile.Needs(p)
		cost := "–"
		if p.Price != (probe.Price{}) {
			cost = fmt.Sprintf("%.2f", money)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t", p.Name, p.Every, tokens, cost)
		for _, slowdown := range []float64{1.10, 1.25, 1.5, 2} {
			fmt.Fprintf(w, "%s\t", noticed(p, &c.Tested.Baseline, sharing, slowdown))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "Noticed after: the mean of simulated changes, with the default margin of 10 %, one false alarm of all detectors together in 30 days, and the learning over.")
	return err
}

// noticed is the mean time until a slowdown of TTFT raises the alarm.
func noticed(p *probe.Probe, tested *baseline.Baseline, sharing int, slowdown float64) string {
	cell := cellOf(&probe.Run{Probe: p}, tested)
	if cell == nil {
		return "–"
	}
	of, has := cell.Indicators[baseline.TTFT]
	if !has {
		return "–"
	}
	reference, err := drift.NewReference(of, cell.Requests)
	if err != nil {
		return "–"
	}
	settings := drift.Defaults(p.Every)
	settings.Sharing = sharing
	d, err := reference.ExpectedDelay(settings, slowdown, plannedRuns, 1)
	switch {
	case err != nil:
		return "–"
	case d.Missed > 0.5:
		return "not within 30 days"
	}
	return d.Mean.Round(time.Minute).String()
}
