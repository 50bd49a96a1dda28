package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// report collects results and prints them.
type report struct {
	Machine string   `json:"machine"`
	Proxies []string `json:"proxies,omitempty"` // versions
	Load    string   `json:"load"`
	Notes   []string `json:"notes,omitempty"`
	Runs    []runOf  `json:"runs"`
	Summary []line   `json:"summary"`

	targets []string
}

// runOf is one measurement of one target.
type runOf struct {
	Round    int        `json:"round"`
	Scenario string     `json:"scenario"`
	Target   string     `json:"target"`
	Result   loadResult `json:"result"`
}

// line is one measure over all targets: the median over the rounds, and its ratio to the median of one
// target.
type line struct {
	Measure string             `json:"measure"`
	Unit    string             `json:"unit,omitempty"`
	Values  map[string]float64 `json:"values"`
	Ratios  map[string]float64 `json:"ratios,omitempty"` // to the value of Against, a target
	Against string             `json:"against,omitempty"`
	Limit   string             `json:"limit,omitempty"`
	Judged  []verdict          `json:"judged,omitempty"`
}

// verdict says whether a target keeps the limit of a line.
type verdict struct {
	Target string `json:"target"`
	Kept   bool   `json:"kept"`
}

func newReport(o options, targets []target, notes []string) *report {
	r := &report{Machine: machine(), Load: describeLoad(o), Notes: notes}
	for _, t := range targets {
		r.targets = append(r.targets, t.name)
		if release := t.release(); release != "" {
			r.Proxies = append(r.Proxies, release)
		}
	}
	return r
}

func describeLoad(o options) string {
	each := map[string]string{
		"events": fmt.Sprintf("events: %d streams of %d events/s, %d content events each, %s, median of %d rounds",
			o.streams, o.eventRate, o.eventsPerStream, o.duration, o.rounds),
		"requests": fmt.Sprintf("requests: %d on %d connections, median of %d rounds", o.requests, o.connections, o.rounds),
		"memory":   fmt.Sprintf("memory: %d open streams", o.memoryStreams),
		"opening":  fmt.Sprintf("opening: %d streams in %s, median of %d rounds", o.openingStreams, o.openingTime, o.rounds),
		"truth": fmt.Sprintf("truth: %d streams of two tokens %s apart, %s, alone and beside %d busy threads, median of %d rounds",
			o.streams, time.Second/time.Duration(o.eventRate), o.duration, busyThreads, o.rounds),
		"soak": fmt.Sprintf("soak: %d streams of %d events/s, %s", o.soakStreams, o.soakRate, o.soakDuration),
	}
	for scenario, like := range map[string]string{"events-tls": "events", "requests-tls": "requests", "raw": "events", "sealed": "events"} {
		each[scenario] = scenario + ": as " + like
		if !slices.Contains(o.scenarios, like) {
			each[scenario] = scenario + strings.TrimPrefix(each[like], like)
		}
	}
	var parts []string
	for _, scenario := range o.scenarios {
		parts = append(parts, each[scenario])
	}
	return strings.Join(parts, "; ")
}

func machine() string {
	var name unix.Utsname
	release := "unknown"
	if err := unix.Uname(&name); err == nil {
		release = unix.ByteSliceToString(name.Release[:])
	}
	return fmt.Sprintf("%s/%s, %d cores, Linux %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), release, runtime.Version())
}

// note adds a note, unless it is there.
func (r *report) note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// add adds a measurement, and notes whatever spoils it.
func (r *report) add(round int, scenario, target string, result loadResult) {
	r.Runs = append(r.Runs, runOf{round, scenario, target, result})
	if result.Bad > 0 {
		r.note(fmt.Sprintf("%s through %s: %d bad, first: %s", scenario, target, result.Bad, result.FirstBad))
	}
	const saturated = 85
	// Plain requests follow each other without a pause, so that some core is always busy.
	if busy := share(result.LoadCPU, result.Wall); strings.TrimSuffix(scenario, "-tls") != "requests" && busy > saturated {
		r.note(fmt.Sprintf("%s through %s: the load's own core was %.0f %% busy, so that the figures are more the load's than the proxy's", scenario, target, busy))
	}
	if slices.Contains([]string{"events", "events-tls", "soak", "truth"}, scenario) && result.disturbed() {
		r.note(fmt.Sprintf("%s through %s, round %d: the proxy's threads waited for their core %.0f %% of the time, so that p99 and above are more the machine's than the proxy's",
			scenario, target, round+1, 100*result.waited()))
	}
}

// of returns the result of a target in a round, and nil when there is none.
func (r *report) of(round int, scenario, target string) *loadResult {
	i := slices.IndexFunc(r.Runs, func(u runOf) bool { return u.Round == round && u.Scenario == scenario && u.Target == target })
	if i < 0 {
		return nil
	}
	return &r.Runs[i].Result
}

// summarize computes the lines from the runs.
func (r *report) summarize() {
	r.Summary = nil
	for _, m := range measures() {
		if l := r.line(m); len(l.Values) > 0 {
			m.judge(&l)
			r.Summary = append(r.Summary, l)
		}
	}
}

// line computes the values and ratios of a measure.
func (r *report) line(m measure) line {
	l := line{Measure: m.name, Unit: m.unit, Values: map[string]float64{}, Ratios: map[string]float64{}}
	for _, target := range r.targets {
		if len(m.only) > 0 && !slices.Contains(m.only, target) {
			continue
		}
		if v := r.median(m, target); !math.IsNaN(v) {
			l.Values[target] = v
		}
	}
	if m.compared {
		l.Against = cmp.Or(m.against, "nginx")
	}
	if base := l.Values[l.Against]; base > 0 {
		for target, v := range l.Values {
			l.Ratios[target] = v / base
		}
	}
	return l
}

// median returns the median of a measure over the rounds, for one target.
func (r *report) median(m measure, target string) float64 {
	var values []float64
	for i := range r.Runs {
		run := &r.Runs[i]
		if run.Scenario != m.scenario || run.Target != target {
			continue
		}
		if v := m.value(&run.Result, r.of(run.Round, m.scenario, "direct")); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return median(values)
}

// judge fills in the limit, and which of the targets that it judges keep it.
func (m measure) judge(l *line) {
	if m.limit == nil {
		return
	}
	l.Limit = strings.TrimSpace(fmt.Sprintf("≤ %g %s", *m.limit, m.unit))
	of := l.Values
	if m.compared {
		l.Limit = fmt.Sprintf("≤ %g × %s", *m.limit, l.Against)
		of = l.Ratios
	}
	for _, target := range m.judged() {
		if measured, found := of[target]; found {
			l.Judged = append(l.Judged, verdict{target, measured <= *m.limit})
		}
	}
}

// judged lists the targets that the limit judges. A proxy that measures nothing is the
// yardstick of explicit mode only: transparent mode pays for the kernel's connection
// tracking as well, so that its yardsticks are explicit mode beside the same rules and
// another tunnel.
func (m measure) judged() []string {
	switch {
	case !m.compared:
		return []string{"headway", "headway-transparent"}
	case m.against != "":
		return []string{"headway-transparent"}
	}
	return []string{"headway"}
}

// write prints the report. The format is table, json or markdown.
func (r *report) write(w io.Writer, format string) error {
	r.summarize()
	var text []byte
	var err error
	switch format {
	case "json":
		text, err = json.MarshalIndent(r, "", "  ")
		text = append(text, '\n')
	case "markdown":
		text = r.markdown()
	default:
		text = r.table()
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func (r *report) rows() [][]string {
	rows := [][]string{append(append([]string{""}, r.targets...), "limit")}
	for _, l := range r.Summary {
		name := l.Measure
		if l.Unit != "" {
			name += ", " + l.Unit
		}
		row := []string{name}
		for _, target := range r.targets {
			row = append(row, l.cell(target))
		}
		rows = append(rows, append(row, l.verdict()))
	}
	return rows
}

func (l line) cell(target string) string {
	v, found := l.Values[target]
	if !found {
		return "–"
	}
	text := format(v)
	if ratio, found := l.Ratios[target]; found && target != l.Against {
		text += fmt.Sprintf(" (%.2f ×)", ratio)
	}
	return text
}

// verdict is the limit, and every target that it judges, by name.
func (l line) verdict() string {
	var words []string
	for _, v := range l.Judged {
		word := " missed"
		if v.Kept {
			word = " kept"
		}
		words = append(words, v.Target+word)
	}
	if len(words) == 0 {
		return l.Limit
	}
	return l.Limit + ": " + strings.Join(words, ", ")
}

// format keeps about three digits.
func format(v float64) string {
	switch size := math.Abs(v); {
	case v == math.Trunc(v), size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// conditions describes machine, proxies and load of the figures.
func (r *report) conditions() []string {
	return slices.DeleteFunc([]string{r.Machine, strings.Join(r.Proxies, "; "), r.Load}, func(s string) bool { return s == "" })
}

func (r *report) table() []byte {
	// Writing to a bytes.Buffer cannot fail.
	var b bytes.Buffer
	for _, line := range r.conditions() {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintln(&b)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.rows() {
		_, _ = fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush()
	for _, note := range r.Notes {
		fmt.Fprintln(&b, "note:", note)
	}
	return b.Bytes()
}

func (r *report) markdown() []byte {
	var b bytes.Buffer
	for i, row := range r.rows() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "| --- |%s\n", strings.Repeat(" ---: |", len(row)-1))
		}
	}
	fmt.Fprintf(&b, "\n%s.\n", strings.Join(r.conditions(), ". "))
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	return b.Bytes()
}
