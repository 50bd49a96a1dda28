package importer

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// jtlForm is how a results file in CSV is written. jmeter.save.saveservice.default_delimiter
// and print_field_names change it.
type jtlForm struct {
	comma byte
	names []string // of the columns, if no header tells them
}

// jtlColumns are the columns that JMeter writes unless it is configured otherwise.
func jtlColumns() []string {
	return []string{
		"timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType", "success", "failureMessage",
		"bytes", "sentBytes", "grpThreads", "allThreads", "URL", "Latency", "IdleTime", "Connect",
	}
}

// jtlFormOf looks at the first line. The zero form is that of another file.
func jtlFormOf(line string) jtlForm {
	for _, comma := range []byte(",;\t|") {
		fields := strings.Split(line, string(comma))
		for i := range fields {
			fields[i] = strings.Trim(strings.TrimSpace(fields[i]), `"`)
		}
		named := slices.Contains(fields, "elapsed") && (slices.Contains(fields, "label") || slices.Contains(fields, "timeStamp"))
		if named {
			return jtlForm{comma: comma}
		}
		if names := jtlColumns(); len(fields) == len(names) && (fields[7] == "true" || fields[7] == "false") && startOf([]byte(fields[0])) > 0 {
			return jtlForm{comma, names}
		}
	}
	return jtlForm{}
}

// jtl is such a file in the reading.
type jtl struct {
	*table
	label, ok, code, start, elapsed, latency, threads, samples column
}

// newJTL finds the columns. A file that does not say whether a sample succeeded has to
// have its response code.
func newJTL(body io.Reader) (*jtl, error) {
	buffered := bufio.NewReaderSize(body, headSize)
	begin, _ := buffered.Peek(headSize)
	form := jtlFormOf(head{text: begin}.line())
	if form.comma == 0 {
		form.comma = ','
	}
	t, err := newTable(buffered, form.comma, form.names...)
	if err != nil {
		return nil, err
	}
	if err := t.has("elapsed"); err != nil {
		return nil, err
	}
	if t.find("responseCode") == noColumn {
		if err := t.has("success"); err != nil {
			return nil, err
		}
	}
	return &jtl{
		table: t, label: t.find("label"), ok: t.find("success"), code: t.find("responseCode"), start: t.find("timeStamp"),
		elapsed: t.find("elapsed"), latency: t.find("Latency"), threads: t.find("allThreads"), samples: t.find("SampleCount"),
	}, nil
}

// sample reads the row that t is at.
func (t *jtl) sample(r *jmeterRun) (s jmeterSample, err error) {
	s = jmeterSample{label: r.name(t.bytes(t.label)), ok: t.succeeded(), starts: startOf(t.bytes(t.start))}
	number := func(to *float64, at column, want string) {
		if at != noColumn && err == nil {
			*to, err = t.number(at, want)
		}
	}
	number(&s.elapsed, t.elapsed, "milliseconds, 887 for example")
	number(&s.latency, t.latency, "milliseconds, 50 for example")
	number(&s.threads, t.threads, "a number of threads")
	many := 1.
	number(&many, t.samples, "a number of samples")
	if err == nil && many > 1 {
		err = &Problem{Line: t.first, Field: "SampleCount", Got: strconv.FormatFloat(many, 'g', -1, 64), Want: "1: a row for each sample, of a test with mode=Standard or StrippedBatch"}
	}
	return s, err
}

// succeeded says whether the sample did. A status of 4xx or 5xx is no success, though a
// plan may ignore it.
func (t *jtl) succeeded() bool {
	code := t.bytes(t.code)
	if len(code) == 3 && (code[0] == '4' || code[0] == '5') {
		return false
	}
	if t.ok == noColumn {
		return success(string(code))
	}
	return string(t.bytes(t.ok)) == "true"
}
