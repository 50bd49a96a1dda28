package main

import (
	"io"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// hindsightReport is the output of report --limits --timeouts as JSON.
type hindsightReport struct {
	Limits   *hindsight.Limits   `json:"limits,omitempty"`
	Timeouts *hindsight.Timeouts `json:"timeouts,omitempty"`
}

// printHindsight prints how other limits or timeouts would have gone.
func (o reportOptions) printHindsight(stdout, stderr io.Writer) error {
	defer littleMemory()()
	by := []report.By{o.by}
	if o.by == report.ByNothing {
		by = []report.By{report.ByOperation, report.ByModel}
	}
	limits, waits := hindsight.NewGatherer(by...), hindsight.NewWaits(o.by)
	lines := 0
	err := readCaptures("report", o.files, stderr, func(l capture.Line) {
		lines++
		if o.limits {
			limits.Add(l)
		}
		if o.timeouts {
			waits.Add(l)
		}
	})
	if err != nil {
		return err
	}
	if lines == 0 {
		return errEmptyCapture
	}
	var out hindsightReport
	if o.limits {
		out.Limits = new(limits.Limits())
	}
	if o.timeouts {
		out.Timeouts = new(waits.Timeouts())
	}
	if o.output == "json" {
		return printJSON(stdout, out)
	}
	return out.writeTable(stdout)
}

func (r *hindsightReport) writeTable(w io.Writer) error {
	if r.Limits != nil {
		if err := r.Limits.WriteTable(w); err != nil {
			return err
		}
	}
	if r.Timeouts == nil {
		return nil
	}
	if r.Limits != nil {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return r.Timeouts.WriteTable(w)
}
