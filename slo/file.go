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
	r := &reader{file: name}
	if len(text) > maxFile {
		r.wrong(0, "", "the file is too large", "keep it under 1 MiB, as one with 100 SLOs is")
		return Set{}, nil, r.problems
	}
	root, err := r.document(text)
	if err != nil {
		return Set{}, nil, err
	}
	set := r.set(root)
	// A part that could not be read already has a Problem, and needs no second one.
	for _, p := range Check(set) {
		if !slices.ContainsFunc(r.problems, func(known Problem) bool { return known.Key == p.Key }) {
			r.problems = append(r.problems, p)
		}
	}
	if len(r.problems) > 0 {
		r.problems.sort()
		return Set{}, nil, r.problems
	}
	return set, warnings(set), nil
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
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, append(r.problems, Syntax(r.file, text, err))
		}
		content := &n
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			content = n.Content[0]
		}
		if isOpenSLO(content) {
			return nil, fmt.Errorf("%s:%d: %w", r.file, content.Line, ErrOpenSLO)
		}
		if root != nil {
			r.wrong(content.Line, "", "a second document begins", "keep all SLOs in one document, without ---")
			return nil, r.problems
		}
		root = content
	}
	if root == nil {
		r.wrong(1, "", "the file is empty", "begin with slos:")
		return nil, r.problems
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
	m, ok := r.mapping(root, "", "slos", "match")
	if !ok {
		return set
	}
	if n := m.get("match"); n != nil {
		switch r.text(n, "match") {
		case "first":
			set.First = true
		case "all":
		default:
			r.wrong(n.Line, "match", describe(n)+" is neither first nor all",
				oneOf(n.Value, []string{"first", "all"}, "write first: only the first SLO that matches judges; or all"))
		}
	}
	n := m.get("slos")
	switch {
	case n == nil || n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		r.wrong(m.line, "slos", "there are none", "list at least one: - name: chat")
		return set
	case n.Kind != yaml.SequenceNode:
		r.wrong(n.Line, "slos", describe(n)+" is no list", "begin each SLO with - name:")
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
	m, ok := r.mapping(n, key, "name", "match", "objective", "window", "good", "exclude", "judge", "alerting")
	if !ok {
		return s, false
	}
	lines := map[string]int{"": m.line}
	mark := func(of mapping) {
		for _, f := range of.fields {
			lines[strings.TrimPrefix(of.path(f.name), key+".")] = f.line
		}
	}
	mark(m)
	for name, read := range map[string]func(*yaml.Node, string){
		"name":      func(v *yaml.Node, at string) { s.Name = r.text(v, at) },
		"objective": func(v *yaml.Node, at string) { s.Objective = r.percent(v, at) },
		"window":    func(v *yaml.Node, at string) { s.Window = r.window(v, at) },
		"judge":     func(v *yaml.Node, at string) { s.Judge = Event(r.text(v, at)) },
		"match":     func(v *yaml.Node, at string) { mark(r.match(&s.Match, v, at)) },
		"good":      func(v *yaml.Node, at string) { mark(r.good(&s, v, at)) },
		"exclude":   func(v *yaml.Node, at string) { r.exclude(&s, v, at) },
		"alerting":  func(v *yaml.Node, at string) { mark(r.alerting(&s.Alerting, v, at)) },
	} {
		if v := m.get(name); v != nil {
			read(v, m.path(name))
		}
	}
	s.Place(r.file, key, lines)
	return s, true
}

func (r *reader) match(to *Match, n *yaml.Node, key string) mapping {
	m, _ := r.mapping(n, key, "operation", "model", "upstream", "stream", "header", "input_tokens")
	if v := m.get("operation"); v != nil {
		to.Operation = exchange.Operation(r.text(v, m.path("operation")))
	}
	for name, field := range map[string]*string{"model": &to.Model, "upstream": &to.Upstream} {
		if v := m.get(name); v != nil {
			*field = r.text(v, m.path(name))
		}
	}
	if v := m.get("stream"); v != nil {
		to.Stream = new(r.flag(v, m.path("stream")))
	}
	if v := m.get("input_tokens"); v != nil {
		to.InputTokens = r.sizes(v, m.path("input_tokens"))
	}
	if v := m.get("header"); v != nil {
		to.Header = map[string]string{}
		for name, pattern := range r.texts(v, m.path("header")) {
			to.Header[strings.ToLower(name)] = pattern
		}
	}
	return m
}

// good keeps the objectives in the order of their indicators.
func (r *reader) good(to *SLO, n *yaml.Node, key string) mapping {
	var known []string
	for _, i := range exchange.Indicators()[1:] {
		known = append(known, i.String())
	}
	m, _ := r.mapping(n, key, known...)
	for _, f := range m.fields {
		if f.name == exchange.Error.String() {
			r.problems[len(r.problems)-1].Right = "leave it out: what fails is never good"
		}
	}
	for _, i := range exchange.Indicators()[1:] {
		if v := m.get(i.String()); v != nil {
			to.Good = append(to.Good, Objective{i, r.threshold(v, m.path(i.String()))})
		}
	}
	return m
}

// exclude reads outcomes and HTTP statuses.
func (r *reader) exclude(to *SLO, n *yaml.Node, key string) {
	for _, v := range r.list(n, key) {
		text := r.text(v, key)
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
		r.wrong(v.Line, key, describe(v)+" is no outcome that can be excluded", oneOf(text, known, "there are "+strings.Join(known, ", ")+", and statuses from 400 to 599"))
	}
}

func (r *reader) alerting(to *Alerting, n *yaml.Node, key string) mapping {
	m, ok := r.mapping(n, key, "page", "ticket", "min_requests", "by", "runbook", "dashboard", "labels", "annotations")
	if !ok {
		return m
	}
	to.MinRequests = defaultMinRequests
	for name, read := range map[string]func(*yaml.Node, string){
		"page":         func(v *yaml.Node, at string) { to.Page = r.flag(v, at) },
		"ticket":       func(v *yaml.Node, at string) { to.Ticket = r.flag(v, at) },
		"min_requests": func(v *yaml.Node, at string) { to.MinRequests = r.number(v, at) },
		"runbook":      func(v *yaml.Node, at string) { to.Runbook = r.text(v, at) },
		"dashboard":    func(v *yaml.Node, at string) { to.Dashboard = r.text(v, at) },
		"labels":       func(v *yaml.Node, at string) { to.Labels = r.texts(v, at) },
		"annotations":  func(v *yaml.Node, at string) { to.Annotations = r.texts(v, at) },
		"by": func(v *yaml.Node, at string) {
			for _, label := range r.list(v, at) {
				to.By = append(to.By, r.text(label, at))
			}
		},
	} {
		if v := m.get(name); v != nil {
			read(v, m.path(name))
		}
	}
	return m
}
