package importer

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// table reads separated values whose first line names the columns.
type table struct {
	rows    *csv.Reader
	columns map[string]int
	record  []string
}

// newTable reads the names of the columns from the first line, unless there are names.
func newTable(r io.Reader, comma rune, names ...string) (*table, error) {
	t := &table{rows: csv.NewReader(r), columns: map[string]int{}}
	t.rows.Comma, t.rows.ReuseRecord, t.rows.FieldsPerRecord = comma, true, -1
	if len(names) == 0 {
		header, err := t.rows.Read()
		if err != nil {
			return nil, csvProblem(err)
		}
		names = header
	}
	for i, name := range names {
		t.columns[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
	}
	return t, nil
}

// next reads a row. It returns false at the end.
func (t *table) next() (bool, error) {
	var err error
	t.record, err = t.rows.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, csvProblem(err)
	}
	return true, nil
}

// text returns a field; "" if there is no such column or the row is short.
func (t *table) text(column string) string {
	i, known := t.columns[column]
	if !known || i >= len(t.record) {
		return ""
	}
	return t.record[i]
}

// has says whether there is each of the columns.
func (t *table) has(columns ...string) error {
	for _, name := range columns {
		if _, known := t.columns[name]; !known {
			return &Problem{Line: 1, Field: name, Got: "no such column", Want: "a header with " + strings.Join(columns, ", ")}
		}
	}
	return nil
}

// number reads a field that is finite and not negative.
func (t *table) number(column, want string) (float64, error) {
	field := strings.TrimSpace(t.text(column))
	v, ok := decimal([]byte(field))
	if !ok {
		var err error
		v, err = strconv.ParseFloat(field, 64)
		ok = err == nil && v >= 0 && v <= 1e300
	}
	if !ok {
		line, _ := t.rows.FieldPos(0)
		return 0, &Problem{Line: line, Field: column, Got: strconv.Quote(shortened(field)), Want: want}
	}
	return v, nil
}

// httpRun gathers the requests of a tool that knows HTTP alone.
type httpRun struct {
	ttfb, e2e   baseline.Sample
	failed      int
	first, last float64 // begin of the first request and end of the last, in seconds
	timed       bool
}

// add adds a successful request. A TTFB below 0 is unknown.
func (r *httpRun) add(ttfb, e2e float64) {
	r.e2e.Add(e2e)
	if ttfb >= 0 {
		r.ttfb.Add(ttfb)
	}
}

// span widens the time of the run.
func (r *httpRun) span(start, end float64) {
	if !r.timed || start < r.first {
		r.first = start
	}
	if !r.timed || end > r.last {
		r.last = end
	}
	r.timed = true
}

// draft sums the run up.
func (r *httpRun) draft(in *input, ttfb, e2e baseline.Definition) (draft, bool) {
	d := draft{line: 1}
	if r.e2e.Count() == 0 {
		in.wrong = append(in.wrong, &Problem{Got: "no request succeeded", Want: "1 or more with a status from 200 to 299"})
		return d, false
	}
	d.cell.Requests = baseline.Requests{OK: r.e2e.Count(), Failed: &r.failed}
	d.combine(baseline.E2E, &r.e2e, e2e)
	d.combine(baseline.TTFB, &r.ttfb, ttfb)
	if r.ttfb.Count() > 0 {
		d.cell.Flag(baseline.FirstByteOnly)
	}
	if seconds := r.last - r.first; r.timed && seconds > 0 {
		d.cell.Duration = &seconds
		d.cell.Throughput.Requests = new(float64(r.e2e.Count()) / seconds)
		d.cell.Load.MeanConcurrency = new(r.e2e.Sum() / seconds)
	}
	return d, true
}

// success says whether a status is one of success.
func success(status string) bool { return len(status) == 3 && status[0] == '2' }

// http is the definition of a whole request over connections that are kept.
func http(start, stop baseline.Edge, connect baseline.Connect, rule baseline.Rule) baseline.Definition {
	return baseline.Definition{Start: start, Stop: stop, Over: baseline.Request, Connect: connect, Percentiles: rule}
}
