package importer

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// JMeter writes a row for each sample, in milliseconds: elapsed is the whole request, and
// Latency the time to the first byte, connecting included. Azure Load Testing gives a zip
// with such a file for each of its engines.
var (
	jmeterCSV = Importer{
		Tool: "jmeter", Form: "results (JTL, CSV)",
		match: func(h head) bool { return jtlFormOf(h.line()).comma != 0 },
		read: func(in *input) error {
			run := newJMeterRun(in)
			if err := run.csv(in.body); err != nil {
				return err
			}
			return run.finish()
		},
	}
	jmeterXML = Importer{
		Tool: "jmeter", Form: "results (JTL, XML)",
		match: func(h head) bool { return h.has("<testResults") },
		read: func(in *input) error {
			run := newJMeterRun(in)
			if err := run.xml(in.body); err != nil {
				return err
			}
			return run.finish()
		},
	}
	jmeterZip = Importer{
		Tool: "jmeter", Form: "results of several engines (zip)",
		match: func(h head) bool { return bytes.HasPrefix(h.text, []byte("PK\x03\x04")) },
		read:  (*input).jmeterEngines,
	}
)

// jmeterRun gathers samples. Labels are kinds of request.
type jmeterRun struct {
	httpRun
	in      *input
	labels  map[string]int
	threads float64 // of this engine
	engines float64 // of those before
	label   string  // of the last sample
}

func newJMeterRun(in *input) *jmeterRun { return &jmeterRun{in: in, labels: map[string]int{}} }

// manyLabels bounds the kinds of request that are remembered.
const manyLabels = 1000

// jmeterSample is one row.
type jmeterSample struct {
	label                             string
	ok                                bool
	elapsed, latency, threads, starts float64 // ms; starts is below 0 if unknown
}

func (r *jmeterRun) sample(s jmeterSample) {
	if r.in.row != "" && s.label != r.in.row {
		return
	}
	if _, known := r.labels[s.label]; known || len(r.labels) < manyLabels {
		r.labels[s.label]++
	}
	r.threads = max(r.threads, s.threads)
	if s.starts >= 0 {
		r.span(s.starts/1e3, (s.starts+s.elapsed)/1e3)
	}
	if !s.ok {
		r.failed++
		return
	}
	first := -1.
	if s.latency > 0 {
		first = s.latency / 1e3
	}
	r.add(first, s.elapsed/1e3)
}

// name is a label as a text, which is allocated once.
func (r *jmeterRun) name(label []byte) string {
	if string(label) != r.label {
		r.label = string(label)
	}
	return r.label
}

// csv reads the rows of one file, by the names of its columns.
func (r *jmeterRun) csv(body io.Reader) error {
	t, err := newJTL(body)
	if err != nil {
		return err
	}
	for {
		more, err := t.next()
		if err != nil || !more {
			return err
		}
		s, err := t.sample(r)
		if err != nil {
			return err
		}
		r.sample(s)
	}
}

// startOf reads a time stamp in milliseconds. jmeter.save.saveservice.timestamp_format may
// have made it a date, whose zone does not matter here. It is -1 if it is neither.
func startOf(stamp []byte) float64 {
	if v, ok := decimal(stamp); ok {
		return v
	}
	for _, layout := range []string{"2006/01/02 15:04:05.000", "2006-01-02 15:04:05.000", "2006/01/02 15:04:05", "2006-01-02T15:04:05.000Z07:00"} {
		if at, err := time.Parse(layout, string(stamp)); err == nil {
			return float64(at.UnixMilli())
		}
	}
	return -1
}

// largestZip bounds a zip that comes through a pipe, which has to be kept.
const largestZip = 64 << 20

// jmeterEngines reads every CSV of a zip as one run. Their threads add up.
func (in *input) jmeterEngines() error {
	packed, err := io.ReadAll(io.LimitReader(in.body, largestZip+1))
	if err != nil {
		return err
	}
	if len(packed) > largestZip {
		return &Problem{Got: "a zip of more than 64 MB", Want: "its CSV files, unpacked: name all of them in one import"}
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return &Problem{Got: err.Error(), Want: "a zip with a CSV file of each engine"}
	}
	run := newJMeterRun(in)
	for _, f := range z.File {
		if !slices.Contains([]string{".csv", ".jtl"}, strings.ToLower(path.Ext(f.Name))) {
			continue
		}
		body, err := f.Open()
		if err != nil {
			return &Problem{Field: f.Name, Got: err.Error(), Want: "a CSV file"}
		}
		err = run.csv(body)
		_ = body.Close()
		if err != nil {
			return inEngine(f.Name, err)
		}
		run.engines, run.threads = run.engines+run.threads, 0
	}
	return run.finish()
}

// inEngine names the file within a zip.
func inEngine(name string, err error) error {
	var p *Problem
	if errors.As(err, &p) {
		named := *p
		named.Field = strings.TrimSpace(name + " " + p.Field)
		return &named
	}
	return err
}

// finish makes a draft of the samples.
func (r *jmeterRun) finish() error {
	if err := r.in.oneKind(r.labels); err != nil {
		return err
	}
	d, ok := r.draft(r.in,
		http(baseline.Sending, baseline.FirstByte, baseline.ConnectSome, baseline.Linear),
		http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, baseline.Linear))
	if ok {
		d.likely.Concurrency = r.engines + r.threads
		r.in.drafts = append(r.in.drafts, d)
	}
	return nil
}

// oneKind refuses several kinds of request, of which the caller chose none.
func (in *input) oneKind(kinds map[string]int) error {
	var names []string
	for name := range kinds {
		names = append(names, strconv.Quote(shortened(name)))
	}
	slices.Sort(names)
	switch {
	case in.row != "" && len(kinds) == 0:
		return &Problem{Got: "no request has the name " + strconv.Quote(in.row), Want: "--row with a name that is there"}
	case len(names) > 1:
		if len(names) > 8 {
			names = append(names[:8], "…")
		}
		return &Problem{Got: "several kinds of request: " + strings.Join(names, ", "), Want: "--row with the name of one: a cell is one workload"}
	}
	return nil
}
