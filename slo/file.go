package slo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/strict"
)

// ErrOpenSLO says that Parse met an OpenSLO document.
var ErrOpenSLO = errors.New("this is an OpenSLO document")

// maxFile bounds an SLO file.
const maxFile = 1 << 20

// defaultMinRequests is the traffic in a window below which alerts stay silent, unless the
// file says otherwise: of fewer than ten requests, a single bad one is beyond most
// objectives' burn rates.
const defaultMinRequests = 10

// Parse reads an SLO file; its Problems and Warnings use that name. The error is Problems
// with every mistake, or ErrOpenSLO, or the reader's.
func Parse(name string, in io.Reader) (Set, []Warning, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return Set{}, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r := &reader{strict.Reader{File: name}}
	if len(text) > maxFile {
		r.Wrong(0, "", "the file is too large", "keep it under 1 MiB, as one with 100 SLOs is")
		return Set{}, nil, r.Problems
	}
	root, err := r.document(text)
	if err != nil {
		return Set{}, nil, err
	}
	set := r.set(root)
	// A part that could not be read already has a Problem, and needs no second one.
	for _, p := range Check(set) {
		if !slices.ContainsFunc(r.Problems, func(known Problem) bool { return known.Key == p.Key }) {
			r.Problems = append(r.Problems, p)
		}
	}
	if len(r.Problems) > 0 {
		r.Problems.Sort()
		return Set{}, nil, r.Problems
	}
	return set, warnings(set), nil
}

// reader reads an SLO file and gathers its mistakes.
type reader struct{ strict.Reader }

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
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, append(r.Problems, Syntax(r.File, text, err))
		}
		content := &n
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			content = n.Content[0]
		}
		if isOpenSLO(content) {
			return nil, fmt.Errorf("%s:%d: %w", r.File, content.Line, ErrOpenSLO)
		}
		if root != nil {
			r.Wrong(content.Line, "", "a second document begins", "keep all SLOs in one document, without ---")
			return nil, r.Problems
		}
		root = content
	}
	if root == nil {
		r.Wrong(1, "", "the file is empty", "begin with slos:")
		return nil, r.Problems
	}
	return root, nil
}

func isOpenSLO(n *yaml.Node) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "apiVersion" && strings.HasPrefix(n.Content[i+1].Value, "openslo") {
			return true
		}
	}
	return false
}

func (r *reader) set(root *yaml.Node) Set {
	var set Set
	m, ok := r.Mapping(root, "", "slos", "match")
	if !ok {
		return set
	}
	if n := m.Get("match"); n != nil {
		switch r.Text(n, "match") {
		case "first":
			set.First = true
		case "all":
		default:
			r.Wrong(n.Line, "match", strict.Describe(n)+" is neither first nor all",
				strict.OneOf(n.Value, []string{"first", "all"}, "write first: only the first SLO that matches judges; or all"))
		}
	}
	n := m.Get("slos")
	switch {
	case n == nil || n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		r.Wrong(m.Line, "slos", "there are none", "list at least one: - name: chat")
		return set
	case n.Kind != yaml.SequenceNode:
		r.Wrong(n.Line, "slos", strict.Describe(n)+" is no list", "begin each SLO with - name:")
		return set
	}
	for i, entry := range n.Content {
		if s, ok := r.slo(entry, "slos["+strconv.Itoa(i)+"]"); ok {
			set.SLOs = append(set.SLOs, s)
		}
	}
	return set
}

func (r *reader) slo(n *yaml.Node, key string) (SLO, bool) {
	var s SLO
	m, ok := r.Mapping(n, key, "name", "match", "objective", "window", "good", "exclude", "judge", "alerting")
	if !ok {
		return s, false
	}
	lines := map[string]int{"": m.Line}
	mark := func(of strict.Mapping) {
		for _, f := range of.Fields {
			lines[strings.TrimPrefix(of.Path(f.Name), key+".")] = f.Line
		}
	}
	mark(m)
	for name, read := range map[string]func(*yaml.Node, string){
		"name":      func(v *yaml.Node, at string) { s.Name = r.Text(v, at) },
		"objective": func(v *yaml.Node, at string) { s.Objective = r.percent(v, at) },
		"window":    func(v *yaml.Node, at string) { s.Window = r.window(v, at) },
		"judge":     func(v *yaml.Node, at string) { s.Judge = Event(r.Text(v, at)) },
		"match":     func(v *yaml.Node, at string) { mark(r.match(&s.Match, v, at)) },
		"good":      func(v *yaml.Node, at string) { mark(r.good(&s, v, at)) },
		"exclude":   func(v *yaml.Node, at string) { r.exclude(&s, v, at) },
		"alerting":  func(v *yaml.Node, at string) { mark(r.alerting(&s.Alerting, v, at)) },
	} {
		if v := m.Get(name); v != nil {
			read(v, m.Path(name))
		}
	}
	s.Place(r.File, key, lines)
	return s, true
}

func (r *reader) match(to *Match, n *yaml.Node, key string) strict.Mapping {
	m, _ := r.Mapping(n, key, "operation", "model", "upstream", "stream", "header", "input_tokens")
	if v := m.Get("operation"); v != nil {
		to.Operation = exchange.Operation(r.Text(v, m.Path("operation")))
	}
	for name, field := range map[string]*string{"model": &to.Model, "upstream": &to.Upstream} {
		if v := m.Get(name); v != nil {
			*field = r.Text(v, m.Path(name))
		}
	}
	if v := m.Get("stream"); v != nil {
		to.Stream = new(r.Flag(v, m.Path("stream")))
	}
	if v := m.Get("input_tokens"); v != nil {
		to.InputTokens = r.sizes(v, m.Path("input_tokens"))
	}
	if v := m.Get("header"); v != nil {
		to.Header = map[string]string{}
		for name, pattern := range r.Texts(v, m.Path("header")) {
			to.Header[strings.ToLower(name)] = pattern
		}
	}
	return m
}

// good keeps the objectives in the order of their indicators.
func (r *reader) good(to *SLO, n *yaml.Node, key string) strict.Mapping {
	var known []string
	for _, i := range exchange.Indicators()[1:] {
		known = append(known, i.String())
	}
	m, _ := r.Mapping(n, key, known...)
	for _, f := range m.Fields {
		if f.Name == exchange.Error.String() {
			r.Problems[len(r.Problems)-1].Right = "leave it out: what fails is never good"
		}
	}
	for _, i := range exchange.Indicators()[1:] {
		if v := m.Get(i.String()); v != nil {
			to.Good = append(to.Good, Objective{i, r.threshold(v, m.Path(i.String()))})
		}
	}
	return m
}

// exclude reads outcomes and HTTP statuses.
func (r *reader) exclude(to *SLO, n *yaml.Node, key string) {
	for _, v := range r.List(n, key) {
		text := r.Text(v, key)
		if status, err := strconv.Atoi(text); err == nil && status >= 400 && status <= 599 {
			to.ExcludeTypes = append(to.ExcludeTypes, exchange.ErrorType(text))
			continue
		}
		if o := exchange.Outcome(text); o != exchange.OK && slices.Contains(exchange.Outcomes(), o) {
			to.Exclude = append(to.Exclude, o)
			continue
		}
		var known []string
		for _, o := range exchange.Outcomes()[1:] {
			known = append(known, string(o))
		}
		r.Wrong(v.Line, key, strict.Describe(v)+" is no outcome that can be excluded", strict.OneOf(text, known, "there are "+strings.Join(known, ", ")+", and statuses from 400 to 599"))
	}
}

func (r *reader) alerting(to *Alerting, n *yaml.Node, key string) strict.Mapping {
	m, ok := r.Mapping(n, key, "page", "ticket", "min_requests", "by", "runbook", "dashboard", "labels", "annotations")
	if !ok {
		return m
	}
	to.MinRequests = defaultMinRequests
	for name, read := range map[string]func(*yaml.Node, string){
		"page":         func(v *yaml.Node, at string) { to.Page = r.Flag(v, at) },
		"ticket":       func(v *yaml.Node, at string) { to.Ticket = r.Flag(v, at) },
		"min_requests": func(v *yaml.Node, at string) { to.MinRequests = r.Number(v, at) },
		"runbook":      func(v *yaml.Node, at string) { to.Runbook = r.Text(v, at) },
		"dashboard":    func(v *yaml.Node, at string) { to.Dashboard = r.Text(v, at) },
		"labels":       func(v *yaml.Node, at string) { to.Labels = r.Texts(v, at) },
		"annotations":  func(v *yaml.Node, at string) { to.Annotations = r.Texts(v, at) },
		"by": func(v *yaml.Node, at string) {
			for _, label := range r.List(v, at) {
				to.By = append(to.By, r.Text(label, at))
			}
		},
	} {
		if v := m.Get(name); v != nil {
			read(v, m.Path(name))
		}
	}
	return m
}
