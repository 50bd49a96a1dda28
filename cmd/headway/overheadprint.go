package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headway-sidecar/headway/probe/overhead"
)

// overheadIndicators are the indicators of the output, in its order.
func overheadIndicators() []struct {
	name string
	of   func(overhead.Sample) time.Duration
} {
	return []struct {
		name string
		of   func(overhead.Sample) time.Duration
	}{
		{"ttft", func(s overhead.Sample) time.Duration { return s.TTFT }},
		{"tpot", func(s overhead.Sample) time.Duration { return s.TPOT }},
		{"e2e", func(s overhead.Sample) time.Duration { return s.E2E }},
	}
}

// overheadReport is the result of the command as JSON. Times are in seconds.
type overheadReport struct {
	Target      string                `json:"target"`  // host and port
	Through     string                `json:"through"` // likewise, or that it is a sidecar of the command's own
	Dialect     string                `json:"dialect"`
	Model       string                `json:"model"`
	Pairs       int                   `json:"pairs"`
	Concurrency int                   `json:"concurrency"`
	Tokens      int                   `json:"tokens"`
	Failed      overheadFailed        `json:"failed"`
	Differences []overheadDifferences `json:"differences"`
}

// overheadFailed counts the requests without an answer.
type overheadFailed struct {
	Direct  int `json:"direct"`
	Through int `json:"through"`
}

type overheadDifferences struct {
	Indicator  string   `json:"indicator"`
	Pairs      int      `json:"pairs"`
	Direct     float64  `json:"direct_s"`
	Through    float64  `json:"through_s"`
	Difference float64  `json:"difference_s"`
	Low        *float64 `json:"low_s"` // null with too few pairs
	High       *float64 `json:"high_s"`
	P          float64  `json:"p"`
}

// writeOverhead prints what was found in the form that the user asked for.
func writeOverhead(out io.Writer, o *overheadOptions, found overhead.Outcome) error {
	if o.output == "json" {
		return writeOverheadJSON(out, o, found)
	}
	if _, err := fmt.Fprintf(out, "%d pairs, %d at a time, %d tokens: %s of %s at %s, directly and through %s.\n", len(found.Pairs), o.plan.Concurrency, found.Tokens,
		o.model, o.dialect, o.shown[overhead.Direct], o.shown[overhead.Through]); err != nil {
		return err
	}
	for way, n := range found.Failed {
		if n > 0 {
			fmt.Fprintf(out, "%d requests failed %s, and their pairs do not count. The first one: %v.\n", n, overhead.Way(way), found.Errors[way])
		}
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tdirect p50\tthrough p50\tdifference\t95 % interval\tp\t")
	for _, indicator := range overheadIndicators() {
		d, ok := overhead.Compare(found.Pairs, indicator.of)
		if !ok {
			continue
		}
		interval := "–"
		if d.Bounded {
			interval = signed(d.Low) + " to " + signed(d.High)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.2g\t\n", strings.ToUpper(indicator.name), milliseconds(d.Direct), milliseconds(d.Through), signed(d.Shift), interval, d.P)
	}
	return w.Flush()
}

func writeOverheadJSON(out io.Writer, o *overheadOptions, found overhead.Outcome) error {
	report := overheadReport{
		Target: o.shown[overhead.Direct], Through: o.shown[overhead.Through], Dialect: o.dialect, Model: o.model, Pairs: len(found.Pairs), Concurrency: o.plan.Concurrency, Tokens: found.Tokens,
		Failed: overheadFailed{found.Failed[overhead.Direct], found.Failed[overhead.Through]}, Differences: []overheadDifferences{},
	}
	for _, indicator := range overheadIndicators() {
		d, ok := overhead.Compare(found.Pairs, indicator.of)
		if !ok {
			continue
		}
		one := overheadDifferences{Indicator: indicator.name, Pairs: d.Pairs, Direct: d.Direct.Seconds(), Through: d.Through.Seconds(), Difference: d.Shift.Seconds(), P: d.P}
		if low, high := d.Low.Seconds(), d.High.Seconds(); d.Bounded {
			one.Low, one.High = &low, &high
		}
		report.Differences = append(report.Differences, one)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// milliseconds is d with three digits that count, and microseconds at most.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	digits := 3
	if size := math.Abs(ms); size >= 1 {
		digits = max(0, 2-int(math.Log10(size)))
	}
	return fmt.Sprintf("%.*f ms", digits, ms)
}

// signed is d with its sign.
func signed(d time.Duration) string {
	switch {
	case d > 0:
		return "+" + milliseconds(d)
	case d < 0:
		return "−" + milliseconds(-d)
	}
	return milliseconds(d)
}
