package price

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/strict"
)

// million is the number of tokens that prices in a file are for.
const million = 1_000_000

// mostPrices bounds the work of a search.
const mostPrices = 1000

// partOf names, for a kind without a price, the kind whose price it has.
var partOf = [exchange.CostKinds]exchange.CostKind{
	exchange.CostInput:          exchange.CostInput,
	exchange.CostOutput:         exchange.CostOutput,
	exchange.CostCacheRead:      exchange.CostInput,
	exchange.CostCacheWrite:     exchange.CostInput,
	exchange.CostCacheWriteHour: exchange.CostCacheWrite,
	exchange.CostReasoning:      exchange.CostOutput,
	exchange.CostInputAudio:     exchange.CostInput,
	exchange.CostInputImage:     exchange.CostInput,
	exchange.CostOutputAudio:    exchange.CostOutput,
	exchange.CostRequest:        exchange.CostRequest,
}

// Parse reads a price file, whose problems use that name. Warnings are prices that are
// allowed, but of which somebody may expect more than they do from the moment now on. The error is strict.Problems, or the
// reader's.
func Parse(name string, in io.Reader, now time.Time) (List, []strict.Problem, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return List{}, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r := &reader{Reader: strict.Reader{File: name}}
	root, err := r.document(text)
	if err != nil {
		return List{}, nil, err
	}
	r.read(root)
	r.compare()
	if len(r.Problems) > 0 {
		r.Problems.Sort()
		return List{}, nil, r.Problems
	}
	return r.list, append(r.ended(now), r.shared(now)...), nil
}

// reader reads the nodes of a price file and gathers their mistakes.
type reader struct {
	strict.Reader
	list List
}

// document returns the one document of text.
func (r *reader) document(text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	switch err := loader.Load(&root); {
	case errors.Is(err, io.EOF):
		r.Wrong(1, "", "the file is empty", "begin with currency: USD")
		return nil, r.Problems
	case err != nil:
		p, _ := strict.Syntax(r.File, text, err)
		p.Right = "indent the keys of one price alike: per_million: begins below the m of - model:"
		return nil, append(r.Problems, p)
	}
	var second yaml.Node
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		r.Wrong(max(1, second.Line), "", "a second document begins", "keep all prices in one document, without ---")
		return nil, r.Problems
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		return root.Content[0], nil
	}
	return &root, nil
}

func (r *reader) read(root *yaml.Node) {
	m, ok := r.Mapping(root, "", "currency", "prices")
	if !ok {
		return
	}
	if n := m.Get("currency"); n != nil {
		r.list.Currency = r.currency(n)
	} else {
		r.Wrong(m.Line, "currency", "it is missing", "write currency: USD")
	}
	n := m.Get("prices")
	if n == nil {
		r.Wrong(m.Line, "prices", "there are none", "list them, as in - {model: gpt-4o, per_million: {input: 2.50, output: 10}}")
		return
	}
	entries := r.List(n, "prices")
	if len(entries) > mostPrices {
		r.Wrong(n.Line, "prices", fmt.Sprintf("%d are too many", len(entries)), fmt.Sprintf("keep to %d; a * in a model's name stands for any text", mostPrices))
		return
	}
	for i, entry := range entries {
		r.list.Prices = append(r.list.Prices, r.price(entry, "prices["+strconv.Itoa(i)+"]"))
	}
}

// currency reads a code of three letters (ISO 4217).
func (r *reader) currency(n *yaml.Node) string {
	code := r.Text(n, "currency")
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		r.Wrong(n.Line, "currency", strict.Describe(n)+" is no code of three capital letters", "write USD, or another code of ISO 4217")
	}
	return code
}

func (r *reader) price(n *yaml.Node, key string) (p Price) {
	m, ok := r.Mapping(n, key, "model", "upstream", "from", "until", "per_million", "per_request")
	p.line = m.Line
	if !ok {
		return p
	}
	for name, to := range map[string]*string{"model": &p.Model, "upstream": &p.Upstream} {
		if v := m.Get(name); v != nil {
			*to = r.Text(v, m.Path(name))
		}
	}
	if p.Model == "" {
		r.Wrong(m.Line, m.Path("model"), "it is missing", `write the model as requests name it, gpt-4o for example; "*" stands for all`)
	}
	for name, to := range map[string]*time.Time{"from": &p.From, "until": &p.Until} {
		if v := m.Get(name); v != nil {
			*to = r.date(v, m.Path(name))
		}
	}
	if !p.From.IsZero() && !p.Until.IsZero() && !p.From.Before(p.Until) {
		r.Wrong(m.Line, m.Path("until"), "the price ends before it begins", "until is the first day without the price, so it is later than from")
	}
	if v := m.Get("per_request"); v != nil {
		r.rate(&p, exchange.CostRequest, v, m.Path("per_request"))
	}
	if v := m.Get("per_million"); v != nil {
		r.rates(&p, v, m.Path("per_million"))
	}
	if p.Has == ([exchange.CostKinds]bool{}) {
		r.Wrong(m.Line, m.Path("per_million"), "it is missing", "write per_million: {input: 2.50, output: 10}; or per_request: 0 for a model that costs nothing")
	}
	p.fill()
	return p
}

// rates reads the prices of a million tokens of each kind.
func (r *reader) rates(p *Price, n *yaml.Node, key string) {
	m, ok := r.Mapping(n, key, tokenKinds()...)
	if !ok {
		return
	}
	for kind := range exchange.CostRequest {
		if v := m.Get(kind.String()); v != nil {
			r.rate(p, kind, v, m.Path(kind.String()))
		}
	}
	for _, main := range []exchange.CostKind{exchange.CostInput, exchange.CostOutput} {
		if !p.Has[main] && slices.ContainsFunc(m.Fields, func(f strict.Field) bool { return partOfName(f.Name) == main }) {
			r.Wrong(m.Line, m.Path(main.String()), "it is missing, and the price of a part of it is there", "write "+main.String()+": 2.50")
		}
	}
}

// partOfName is input or output: the main kind that the kind with the name is a part of.
func partOfName(name string) exchange.CostKind {
	for kind := range exchange.CostRequest {
		if kind.String() == name {
			return partOf[partOf[kind]]
		}
	}
	return exchange.CostRequest
}

func tokenKinds() []string {
	var names []string
	for kind := range exchange.CostRequest {
		names = append(names, kind.String())
	}
	return names
}

// rate reads the price of a kind.
func (r *reader) rate(p *Price, kind exchange.CostKind, n *yaml.Node, key string) {
	v, err := strconv.ParseFloat(r.Text(n, key), 64)
	if err != nil || !(v >= 0 && v < 1e9) {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no price from 0 up", "write a number without the currency: 2.50")
		return
	}
	p.Rates[kind], p.Has[kind] = v, true
}

// fill gives every kind without a price that of the kind it is a part of. A price of
// requests alone says that tokens cost nothing.
func (p *Price) fill() {
	if p.Has[exchange.CostRequest] && !slices.Contains(p.Has[:exchange.CostRequest], true) {
		p.Has[exchange.CostInput], p.Has[exchange.CostOutput] = true, true
	}
	for kind, whole := range partOf {
		if !p.Has[kind] {
			p.Rates[kind], p.Has[kind] = p.Rates[whole], p.Has[whole]
		}
	}
	p.Has[exchange.CostRequest] = true
}

// date reads a day, whose first moment in UTC it is, or a moment.
func (r *reader) date(n *yaml.Node, key string) time.Time {
	text := r.Text(n, key)
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	r.Wrong(n.Line, key, fmt.Sprintf("%q is no date", text), "write 2026-07-01; it begins at midnight UTC")
	return time.Time{}
}

// ended warns of models all of whose prices have ended by the moment now.
func (r *reader) ended(now time.Time) []strict.Problem {
	var warnings []strict.Problem
	holds := func(q Price) bool { return q.Until.IsZero() || q.Until.After(now) }
	for i := range r.list.Prices {
		p := &r.list.Prices[i]
		goesOn := func(q Price) bool { return holds(q) && exchange.Match(q.Model, p.Model) }
		if holds(*p) || slices.ContainsFunc(r.list.Prices, goesOn) {
			continue
		}
		warnings = append(warnings, strict.Problem{
			File: r.File, Line: p.line, Key: "prices[" + strconv.Itoa(i) + "].until",
			Wrong: fmt.Sprintf("the price of %q ended on %s and none follows, so its requests have no cost", p.Model, p.Until.Format(time.DateOnly)),
			Right: "add the price that holds now",
		})
	}
	return warnings
}
