// Package probefile reads the file that describes probes. It names every mistake at once,
// each with its line, its key and a correction.
package probefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/slo/strict"
)

// File is what a probe file says. The zero value stands for no file.
type File struct {
	Probes []probe.Probe
	// Paused sends nothing: the switch that stops all canaries of a fleet at once.
	Paused bool
	// Warnings are settings that are allowed, but that hardly anybody means.
	Warnings []strict.Problem

	places []place // of Probes
	name   string
}

// place is where a probe stands in its file.
type place struct {
	key   string         // probes[0]
	lines map[string]int // by key within the probe
}

// Parse reads a probe file, whose problems use that name. The error is strict.Problems, or
// the reader's.
func Parse(name string, in io.Reader) (File, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	}
	r := &reader{Reader: strict.Reader{File: name}, file: File{name: name}}
	root, err := r.document(text)
	if err != nil {
		return File{}, err
	}
	r.read(root)
	if len(r.Problems) > 0 {
		r.Problems.Sort()
		return File{}, r.Problems
	}
	return r.file, nil
}

// document returns the one document of text.
func (r *reader) document(text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var root *yaml.Node
	for {
		var n yaml.Node
		err := loader.Load(&n)
		switch {
		case errors.Is(err, io.EOF):
			if root == nil {
				r.Wrong(1, "", "the file is empty", "begin with probes:")
				return nil, r.Problems
			}
			return root, nil
		case err != nil:
			p, _ := strict.Syntax(r.File, text, err)
			p.Right = "indent the keys of one probe alike: every: 30s begins below the n of - name: chat-short"
			return nil, append(r.Problems, p)
		case root != nil:
			r.Wrong(n.Line, "", "a second document begins", "keep all probes in one document, without ---")
			return nil, r.Problems
		}
		if root = &n; n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			root = n.Content[0]
		}
	}
}

// Fit gives probes whose shape is that of a cell the lengths of their cell in b, and checks
// that b has every cell and every model that a probe names. Without a baseline b is nil.
// The error is strict.Problems.
func (f *File) Fit(b *baseline.Baseline) error {
	var wrong strict.Problems
	for i := range f.Probes {
		p := &f.Probes[i]
		named := p.Baseline != "" && p.Baseline != probe.Auto
		switch {
		case b == nil && p.Shape == probe.Shape{}:
			wrong = append(wrong, f.problem(i, "shape", "the lengths of a cell need a baseline", "set HEADWAY_BASELINE_FILE, or write balanced"))
		case b == nil:
		case p.Baseline == probe.Auto && !hasModel(b, p.Model):
			f.Warnings = append(f.Warnings, f.problem(i, "baseline", fmt.Sprintf("the baseline has no cell of the model %q, so nothing is compared", p.Model), "write the id of a cell, or import a load test of the model"))
		case named:
			c, ok := cell(b, p.Baseline)
			if !ok {
				wrong = append(wrong, f.problem(i, "baseline", fmt.Sprintf("the baseline has no cell %q", p.Baseline), strict.OneOf(p.Baseline, ids(b), "write auto, or an id that headway baseline show prints")))
				continue
			}
			if p.Shape == (probe.Shape{}) {
				p.Shape = probe.Shape{Input: int(c.InputTokens.Mean + 0.5), Output: int(c.OutputTokens.Mean + 0.5)}
			}
		}
	}
	return wrong.Err()
}

// Reach checks that a route of the sidecar leads to the URL of every probe that goes through
// it. The error is strict.Problems.
func (f *File) Reach(routed func(url string) bool) error {
	var wrong strict.Problems
	for i := range f.Probes {
		if p := &f.Probes[i]; p.Via != probe.Direct && !routed(p.URL) {
			wrong = append(wrong, f.problem(i, "url", "no route of the sidecar leads to "+p.URL, "write via: direct, or add the URL to HEADWAY_ROUTES, as it stands here"))
		}
	}
	return wrong.Err()
}

func hasModel(b *baseline.Baseline, model string) bool {
	return slices.ContainsFunc(b.Cells, func(c baseline.Cell) bool { return c.Model == model })
}

func cell(b *baseline.Baseline, id string) (baseline.Cell, bool) {
	for _, c := range b.Cells {
		if c.ID == id {
			return c, true
		}
	}
	return baseline.Cell{}, false
}

func ids(b *baseline.Baseline) (all []string) {
	for _, c := range b.Cells {
		all = append(all, c.ID)
	}
	return all
}

// problem is a mistake at the key of the i-th probe.
func (f *File) problem(i int, key, wrong, right string) strict.Problem {
	at := f.places[i]
	line := at.lines[key]
	if line == 0 {
		line = at.lines[""]
	}
	return strict.Problem{File: f.name, Line: line, Key: at.key + "." + key, Wrong: wrong, Right: right}
}

const day = 24 * time.Hour

// Needs returns the tokens and the money that p uses in a day, if every run goes well.
func Needs(p *probe.Probe) (tokens int64, money float64) {
	runs := p.Runs(day)
	in, out := runs*float64(p.Shape.Input), runs*float64(p.Shape.Output)
	return int64(in + out), p.Price.Of(int64(in), int64(out))
}
