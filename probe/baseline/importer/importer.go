// Package importer reads the result files of load-test tools into cells of a baseline.
//
// An Importer reads the files of one tool in one form. Import chooses it by the begin of
// the file. What a file does not carry (the model, the lengths, the load) the caller tells
// by Facts, or a second file of the same run does; nothing is invented.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Importer reads one form of one tool's results.
type Importer struct {
	Tool string // as a user names it
	Form string // which of the tool's files
	// match looks at the begin of a file.
	match func(head) bool
	read  func(*input) error
}

// head is the begin of a file, of at most headSize bytes.
type head struct {
	name string
	text []byte
}

const headSize = 64 << 10

// json says whether the begin is an object in JSON, alone or in an array, with each of the
// keys somewhere.
func (h head) json(keys ...string) bool {
	start := bytes.TrimLeft(h.text, "[ \t\r\n")
	if len(start) == 0 || start[0] != '{' {
		return false
	}
	for _, key := range keys {
		if !bytes.Contains(h.text, []byte(`"`+key+`"`)) {
			return false
		}
	}
	return true
}

// yaml says whether each of the keys begins a line.
func (h head) yaml(keys ...string) bool {
	if !yamlKey.Match(h.text) {
		return false
	}
	lines := append([]byte{'\n'}, h.text...)
	return !slices.ContainsFunc(keys, func(key string) bool { return !bytes.Contains(lines, []byte("\n"+key+":")) })
}

// yamlKey is a document that begins with a key or a comment.
var yamlKey = regexp.MustCompile(`^(#|---|[a-z_]+:)`)

// line returns the first line.
func (h head) line() string {
	first, _, _ := bytes.Cut(bytes.TrimPrefix(h.text, []byte("\xef\xbb\xbf")), []byte{'\n'})
	return strings.TrimSuffix(string(first), "\r")
}

// has says whether each of the parts is in the begin.
func (h head) has(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !bytes.Contains(h.text, []byte(part)) })
}

// Importers lists the importers. Of two that match, the first reads.
func Importers() []Importer {
	return []Importer{
		vllmJSON, vllmTable, sglangJSON, sglangTable, guidellmJSON, guidellmYAML, guidellmCSV,
		azureLines, azureHuman, azureArguments, inferencePerfJSON, inferencePerfYAML, inferencePerfRows, inferencePerfConfig, llmperfSummary, llmperfRows,
		aiperfJSON, aiperfRows, aiperfCSV, genaiperfJSON, genaiperfCSV,
		k6Summary, k6Machine, k6JSON, k6CSV, jmeterCSV, jmeterXML, jmeterZip, jmeterStatistics, jmeterAggregate, locustStats, locustJSON,
		heyRows, heyText, ohaJSON, ohaRows, ohaText, vegetaReport, vegetaText, vegetaJSON, vegetaCSV, vegetaSpectrum, wrkText, wrk2Text, abText, abRows, abPercentiles, siegeJSON, mlperfDetail, mlperfSummary, captures, tidyCSV,
	}
}

// Tools lists the names of the tools, each once.
func Tools() []string {
	var names []string
	for _, one := range Importers() {
		if !slices.Contains(names, one.Tool) {
			names = append(names, one.Tool)
		}
	}
	return names
}

// File is a result file. Import reads Body once, from begin to end.
type File struct {
	Name string
	Body io.Reader
}

// Options say what Import cannot know.
type Options struct {
	// Tool names the tool of every file; empty chooses by looking at each.
	Tool string
	// Facts are what the files do not carry. A fact that contradicts a file is a problem.
	Facts Facts
	// Metrics names, by indicator, the metric of a script that has its values. Units of k6
	// are milliseconds, or seconds if the name ends with "second" or "seconds".
	Metrics map[baseline.Name]string
	// Row is the kind of request to read of a file with several: a label of JMeter, a name
	// of Locust.
	Row string
}

// Import reads the files of one load test, or of several, into cells. Every error is a
// Problem or names the file; with an error there are no cells.
func Import(files []File, o Options) (baseline.Baseline, error) {
	if len(files) == 0 {
		return baseline.Baseline{}, errors.New("no file to import")
	}
	var inputs []*input
	var wrong []error
	for _, f := range files {
		in, err := readFile(f, o)
		if err != nil {
			wrong = append(wrong, inFile(filepath.Base(f.Name), err))
			continue
		}
		inputs = append(inputs, in)
	}
	b := baseline.Baseline{Schema: baseline.Schema}
	if len(wrong) == 0 {
		b.Cells, wrong = settle(inputs, o.Facts)
	}
	if len(wrong) == 0 && len(b.Cells) == 0 {
		wrong = append(wrong, inputs[0].alone())
	}
	if err := errors.Join(wrong...); err != nil {
		return baseline.Baseline{}, err
	}
	b.Identify()
	return b, b.Check()
}

// readFile reads one file.
func readFile(f File, o Options) (*input, error) {
	text := make([]byte, headSize)
	n, err := io.ReadFull(f.Body, text)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	h := head{filepath.Base(f.Name), text[:n]}
	if len(bytes.TrimSpace(h.text)) == 0 {
		return nil, &Problem{Got: "the file is empty", Want: "a result of " + strings.Join(Tools(), ", ")}
	}
	one, err := choose(h, o.Tool)
	if err != nil {
		return nil, err
	}
	rest := &remembering{from: f.Body}
	in := &input{name: h.name, tool: one.Tool, form: one.Form, metrics: o.Metrics, row: o.Row, body: io.MultiReader(bytes.NewReader(h.text), rest)}
	err = one.read(in)
	// An error of the disk looks like an early end to a reader of lines.
	if rest.failed != nil {
		return nil, rest.failed
	}
	if err != nil {
		return nil, err
	}
	if len(in.wrong) == 0 && len(in.drafts) == 0 && in.facts == (Facts{}) && len(in.finer) == 0 {
		return nil, &Problem{Got: "there is no result in the file", Want: "all of a file of " + one.Tool + ": " + one.Form}
	}
	return in, errors.Join(in.wrong...)
}

// remembering keeps the error that a reader ended with, unless that is its end.
type remembering struct {
	from   io.Reader
	failed error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = fmt.Errorf("reading it: %w", err)
	}
	return n, err
}

// choose finds the importer for a file.
func choose(h head, tool string) (Importer, error) {
	if tool != "" && !slices.Contains(Tools(), tool) {
		return Importer{}, fmt.Errorf("no tool %q; headway reads results of %s", tool, strings.Join(Tools(), ", "))
	}
	var others []string
	for _, one := range Importers() {
		if !one.match(h) {
			continue
		}
		if tool == "" || one.Tool == tool {
			return one, nil
		}
		others = append(others, one.Tool+": "+one.Form)
	}
	if err := h.refuse(); err != nil && len(others) == 0 {
		return Importer{}, err
	}
	switch {
	case len(others) > 0:
		return Importer{}, &Problem{Got: "this is a file of " + others[0], Want: "one of " + tool + ": " + forms(tool)}
	case tool != "":
		return Importer{}, &Problem{Line: 1, Got: "this is no result of " + tool + " that headway knows", Want: forms(tool)}
	}
	return Importer{}, &Problem{Line: 1, Got: "this is no result of a tool that headway knows", Want: "one of " + strings.Join(Tools(), ", ")}
}

// forms lists what headway reads of a tool.
func forms(tool string) string {
	var out []string
	for _, one := range Importers() {
		if one.Tool == tool {
			out = append(out, one.Form)
		}
	}
	return strings.Join(out, ", ")
}
