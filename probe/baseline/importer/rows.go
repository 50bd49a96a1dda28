package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// table reads separated values whose first line names the columns. A field may stand in
// quotation marks, and has line breaks then, as RFC 4180 has it.
type table struct {
	from   *bufio.Reader
	comma  byte
	names  []string
	fields [][]byte
	row    []byte // of the fields, if the row is more than a line
	first  int    // line of the row
	line   int
}

// column is the place of a column.
type column int

// noColumn is the place of a column that is not there.
const noColumn column = -1

// longestRow bounds a row.
const longestRow = 1 << 20

// newTable reads the names of the columns from the first line, unless there are names.
func newTable(r io.Reader, comma byte, names ...string) (*table, error) {
	t := &table{from: bufio.NewReaderSize(r, 128<<10), comma: comma, names: names}
	if len(names) > 0 {
		return t, nil
	}
	more, err := t.next()
	if err != nil {
		return nil, err
	}
	if !more {
		return nil, &Problem{Line: 1, Got: "the file is empty", Want: "a line with the names of the columns"}
	}
	for _, name := range t.fields {
		t.names = append(t.names, strings.TrimPrefix(strings.TrimSpace(string(name)), "\ufeff"))
	}
	return t, nil
}

// next reads a row that is not empty. It returns false at the end. The fields are valid
// until the next call.
func (t *table) next() (bool, error) {
	for {
		line, err := t.readLine()
		if len(line) == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		t.first = t.line
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			continue
		}
		t.fields = t.fields[:0]
		if bytes.IndexByte(line, '"') < 0 {
			t.split(bytes.TrimRight(line, "\r\n"))
		} else if err := t.quoted(line); err != nil {
			return false, err
		}
		if t.first > 1 && t.again() {
			return false, &Problem{Line: t.first, Got: "the names of the columns once more: two runs in one file", Want: "one run a file: name both files in one import"}
		}
		return true, nil
	}
}

// again says whether the row is the header.
func (t *table) again() bool {
	if len(t.fields) != len(t.names) || len(t.names) < 2 {
		return false
	}
	for i := range t.names {
		if string(t.fields[i]) != t.names[i] {
			return false
		}
	}
	return true
}

// readLine reads a line with its end.
func (t *table) readLine() ([]byte, error) {
	t.line++
	line, err := t.from.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) && len(long) < longestRow {
		line, err = t.from.ReadSlice('\n')
		long = append(long, line...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, &Problem{Line: t.line, Got: "a line of more than 1 MB", Want: "a row of a result file"}
	}
	return long, err
}

// split cuts a row without quotation marks.
func (t *table) split(row []byte) {
	for {
		n := bytes.IndexByte(row, t.comma)
		if n < 0 {
			t.fields = append(t.fields, row)
			return
		}
		t.fields = append(t.fields, row[:n])
		row = row[n+1:]
	}
}

// quoted cuts a row with quotation marks, and reads on while one is open.
func (t *table) quoted(line []byte) error {
	t.row = append(t.row[:0], line...)
	for bytes.Count(t.row, []byte{'"'})%2 != 0 {
		more, err := t.readLine()
		if len(more) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			return &Problem{Line: t.first, Got: "a quotation mark without its partner", Want: "separated values"}
		}
		if t.row = append(t.row, more...); len(t.row) > longestRow {
			return &Problem{Line: t.first, Got: "a row of more than 1 MB", Want: "a quotation mark that ends the field"}
		}
	}
	rest := bytes.TrimRight(t.row, "\r\n")
	for more := true; more; {
		var field []byte
		var err error
		if field, rest, more, err = t.field(rest); err != nil {
			return err
		}
		t.fields = append(t.fields, field)
	}
	return nil
}

// field cuts the first field off a row. A quotation mark in a field is two.
func (t *table) field(row []byte) (field, rest []byte, more bool, err error) {
	if len(row) == 0 || row[0] != '"' {
		n := bytes.IndexByte(row, t.comma)
		if n < 0 {
			return row, nil, false, nil
		}
		return row[:n], row[n+1:], true, nil
	}
	row = row[1:]
	for {
		n := bytes.IndexByte(row, '"')
		if n < 0 {
			return nil, nil, false, &Problem{Line: t.first, Got: "a quotation mark without its partner", Want: "separated values"}
		}
		field = append(field, row[:n]...)
		row = row[n+1:]
		switch {
		case len(row) == 0:
			return field, nil, false, nil
		case row[0] == t.comma:
			return field, row[1:], true, nil
		case row[0] != '"':
			return nil, nil, false, &Problem{Line: t.first, Got: "text behind a quotation mark", Want: "a comma"}
		}
		field, row = append(field, '"'), row[1:]
	}
}

// find returns the place of a column.
func (t *table) find(name string) column { return column(slices.Index(t.names, name)) }

// bytes returns a field; nil if there is no such column or the row is short.
func (t *table) bytes(c column) []byte {
	if c < 0 || int(c) >= len(t.fields) {
		return nil
	}
	return t.fields[c]
}

// text returns a field by the name of its column.
func (t *table) text(name string) string { return string(t.bytes(t.find(name))) }

// has says whether there is each of the columns.
func (t *table) has(columns ...string) error {
	for _, name := range columns {
		if t.find(name) == noColumn {
			return &Problem{Line: 1, Field: name, Got: "no such column", Want: "a header with " + strings.Join(columns, ", ")}
		}
	}
	return nil
}

// number reads a field that is finite and not negative.
func (t *table) number(c column, want string) (float64, error) {
	field := bytes.TrimSpace(t.bytes(c))
	v, ok := decimal(field)
	if !ok {
		var err error
		v, err = strconv.ParseFloat(string(field), 64)
		ok = err == nil && v >= 0 && v <= 1e300
	}
	if !ok {
		name := ""
		if c >= 0 && int(c) < len(t.names) {
			name = t.names[c]
		}
		return 0, &Problem{Line: t.first, Field: name, Got: strconv.Quote(shortened(string(field))), Want: want}
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
