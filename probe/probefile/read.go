package probefile

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/slo/strict"
)

// reader reads the nodes of a probe file and gathers their mistakes.
type reader struct {
	strict.Reader
	file File
}

// mostProbes bounds the series and the work of a probe file.
const mostProbes = 1000

// The values of a probe that the file does not set.
func unset() probe.Probe {
	return probe.Probe{Via: probe.Sidecar, Cache: probe.Cold, Every: 30 * time.Second, Jitter: 0.2, Timeout: 2 * time.Minute, Shape: balanced, Seed: 1}
}

// The named shapes are those of Azure's benchmark of OpenAI's models
// (https://github.com/Azure/azure-openai-benchmark), in tokens.
var (
	balanced   = probe.Shape{Input: 500, Output: 500}
	context    = probe.Shape{Input: 2000, Output: 200}
	generation = probe.Shape{Input: 500, Output: 1000}
)

func (r *reader) read(root *yaml.Node) {
	m, ok := r.Mapping(root, "", "defaults", "probes", "paused")
	if !ok {
		return
	}
	if n := m.Get("paused"); n != nil {
		r.file.Paused = r.Flag(n, "paused")
	}
	defaults := unset()
	if n := m.Get("defaults"); n != nil {
		r.probe(&defaults, n, "defaults", false)
	}
	n := m.Get("probes")
	switch {
	case n == nil:
		r.Wrong(m.Line, "probes", "there are none", "list them, as in - name: chat-short; or write probes: [] for none")
		return
	case n.Kind != yaml.SequenceNode:
		r.Wrong(n.Line, "probes", strict.Describe(n)+" is no list", "begin each probe with - name:")
		return
	case len(n.Content) > mostProbes:
		r.Wrong(n.Line, "probes", fmt.Sprintf("%d are too many", len(n.Content)), fmt.Sprintf("keep to %d", mostProbes))
		return
	}
	names := map[string]int{}
	for i, entry := range n.Content {
		key := "probes[" + strconv.Itoa(i) + "]"
		p := defaults
		p.Headers, p.Body = maps.Clone(defaults.Headers), maps.Clone(defaults.Body)
		lines, ok := r.probe(&p, entry, key, true)
		if !ok {
			continue
		}
		r.file.Probes, r.file.places = append(r.file.Probes, p), append(r.file.places, place{key, lines})
		at := len(r.file.Probes) - 1
		if first, twice := names[p.Name]; twice && p.Name != "" {
			r.wrongAt(at, "name", fmt.Sprintf("%q is the name of another probe, in line %d", p.Name, first), "give each probe a name of its own")
		}
		names[p.Name] = lines[""]
		r.check(at)
	}
}

// wrongAt notes a mistake of a probe, unless its key has one already.
func (r *reader) wrongAt(i int, key, wrong, right string) {
	p := r.file.problem(i, key, wrong, right)
	if !slices.ContainsFunc(r.Problems, func(known strict.Problem) bool { return known.Key == p.Key }) {
		r.Problems = append(r.Problems, p)
	}
}

// keysOfAll are the keys that defaults may have; a probe may have its own besides.
func keysOfAll() []string {
	return []string{
		"via", "url", "dialect", "model", "shape", "cache", "every", "jitter", "timeout", "baseline", "auth", "headers", "body", "seed",
		"ignore_eos", "load", "budget", "price",
	}
}

// probe reads n into p. It returns the lines of the keys.
func (r *reader) probe(p *probe.Probe, n *yaml.Node, key string, named bool) (map[string]int, bool) {
	known := keysOfAll()
	if named {
		known = append([]string{"name"}, known...)
	}
	m, ok := r.Mapping(n, key, known...)
	lines := map[string]int{"": m.Line}
	if !ok {
		return lines, false
	}
	for _, f := range m.Fields {
		lines[f.Name] = f.Line
	}
	for name, read := range map[string]func(*yaml.Node, string){
		"name":       func(v *yaml.Node, at string) { p.Name = r.Text(v, at) },
		"url":        func(v *yaml.Node, at string) { p.URL = r.Text(v, at) },
		"dialect":    func(v *yaml.Node, at string) { p.Dialect = r.Text(v, at) },
		"model":      func(v *yaml.Node, at string) { p.Model = r.Text(v, at) },
		"via":        func(v *yaml.Node, at string) { p.Via = word(r, v, at, probe.Sidecar, probe.Direct, probe.Both) },
		"cache":      func(v *yaml.Node, at string) { p.Cache = word(r, v, at, probe.Cold, probe.Warm) },
		"shape":      func(v *yaml.Node, at string) { p.Shape = r.shape(v, at) },
		"every":      func(v *yaml.Node, at string) { p.Every = r.Duration(v, at) },
		"timeout":    func(v *yaml.Node, at string) { p.Timeout = r.Duration(v, at) },
		"jitter":     func(v *yaml.Node, at string) { p.Jitter = r.share(v, at) },
		"baseline":   func(v *yaml.Node, at string) { p.Baseline = r.Text(v, at) },
		"seed":       func(v *yaml.Node, at string) { p.Seed = r.Number(v, at) },
		"ignore_eos": func(v *yaml.Node, at string) { p.IgnoreEOS = r.Flag(v, at) },
		"headers":    func(v *yaml.Node, at string) { p.Headers = r.Texts(v, at) },
		"body":       func(v *yaml.Node, at string) { r.body(p, v, at) },
		"auth":       func(v *yaml.Node, at string) { p.Auth = r.auth(v, at) },
		"load":       func(v *yaml.Node, at string) { p.Metrics = r.load(v, at) },
		"budget":     func(v *yaml.Node, at string) { p.Budget = r.budget(v, at) },
		"price":      func(v *yaml.Node, at string) { p.Price = r.price(v, at) },
	} {
		if v := m.Get(name); v != nil {
			read(v, m.Path(name))
		}
	}
	return lines, true
}

// word reads one of a few words.
func word[T ~string](r *reader, n *yaml.Node, key string, known ...T) T {
	text, words := r.Text(n, key), make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	if text != "" && !slices.Contains(words, text) {
		r.Wrong(n.Line, key, fmt.Sprintf("%q is none of %s", text, strings.Join(words, ", ")), strict.OneOf(text, words, "write "+words[0]))
	}
	return T(text)
}

// shape reads a name, or lengths.
func (r *reader) shape(n *yaml.Node, key string) probe.Shape {
	const right = "write balanced, context, generation, cell, or {input_tokens: 512, output_tokens: 128}"
	if n.Kind == yaml.MappingNode {
		m, _ := r.Mapping(n, key, "input_tokens", "output_tokens")
		var s probe.Shape
		for name, to := range map[string]*int{"input_tokens": &s.Input, "output_tokens": &s.Output} {
			v := m.Get(name)
			if v == nil {
				r.Wrong(n.Line, m.Path(name), "it is missing", right)
				continue
			}
			*to = int(min(r.Number(v, m.Path(name)), math.MaxInt32))
		}
		return s
	}
	switch text := r.Text(n, key); text {
	case "balanced":
		return balanced
	case "context":
		return context
	case "generation":
		return generation
	case "cell":
		return probe.Shape{}
	default:
		r.Wrong(n.Line, key, fmt.Sprintf("%q is no shape", text), strict.OneOf(text, []string{"balanced", "context", "generation", "cell"}, right))
	}
	return balanced
}

// share reads 20 % or 0.2.
func (r *reader) share(n *yaml.Node, key string) float64 {
	number, percent := strings.CutSuffix(r.Text(n, key), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 0.5) {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no share from 0 to 50%", "write 20%")
		return 0
	}
	return v
}

// amount reads a number that is not negative.
func (r *reader) amount(n *yaml.Node, key, right string) float64 {
	v, err := strconv.ParseFloat(r.Text(n, key), 64)
	if err != nil || !(v >= 0 && v < 1e12) {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no number from 0 up", right)
		return 0
	}
	return v
}

func (r *reader) auth(n *yaml.Node, key string) probe.Auth {
	m, ok := r.Mapping(n, key, "env", "file")
	var a probe.Auth
	for name, to := range map[string]*string{"env": &a.Env, "file": &a.File} {
		if v := m.Get(name); v != nil {
			*to = r.Text(v, m.Path(name))
		}
	}
	if ok && (a.Env == "") == (a.File == "") {
		r.Wrong(n.Line, key, "one of env and file is needed", "write {env: OPENAI_API_KEY} or {file: /var/run/secrets/key}")
	}
	if strings.ContainsAny(a.Env, " -=.") || strings.HasPrefix(a.Env, "sk-") {
		// The value is not shown: it may be the key itself.
		r.Wrong(m.Line, key+".env", "it is no name of a variable", "write the name of the variable that has the key, not the key: OPENAI_API_KEY")
	}
	return a
}

func (r *reader) load(n *yaml.Node, key string) string {
	m, ok := r.Mapping(n, key, "metrics")
	v := m.Get("metrics")
	if v == nil {
		if ok {
			r.Wrong(n.Line, key, "metrics is missing", "write {metrics: http://127.0.0.1:8000/metrics}")
		}
		return ""
	}
	text := r.Text(v, m.Path("metrics"))
	if wrong := badURL(text); wrong != "" {
		r.Wrong(v.Line, m.Path("metrics"), wrong, "write http://127.0.0.1:8000/metrics")
	}
	return text
}

func (r *reader) budget(n *yaml.Node, key string) (b probe.Budget) {
	m, _ := r.Mapping(n, key, "tokens_per_day", "money_per_day")
	if v := m.Get("tokens_per_day"); v != nil {
		b.Tokens = r.Number(v, m.Path("tokens_per_day"))
		if b.Tokens == 0 {
			r.Wrong(v.Line, m.Path("tokens_per_day"), "no canary would be sent", "write 200000; or paused: true at the top of the file, to send none")
		}
	}
	if v := m.Get("money_per_day"); v != nil {
		b.Money = r.amount(v, m.Path("money_per_day"), "write 1.50")
		if b.Money == 0 {
			r.Wrong(v.Line, m.Path("money_per_day"), "no canary would be sent", "write 1.50; or paused: true at the top of the file, to send none")
		}
	}
	return b
}

func (r *reader) price(n *yaml.Node, key string) (p probe.Price) {
	m, _ := r.Mapping(n, key, "input_per_million", "output_per_million")
	for name, to := range map[string]*float64{"input_per_million": &p.Input, "output_per_million": &p.Output} {
		if v := m.Get(name); v != nil {
			*to = r.amount(v, m.Path(name), "write what a million tokens cost: 0.15")
		}
	}
	return p
}

func (r *reader) body(p *probe.Probe, n *yaml.Node, key string) {
	var body map[string]any
	if err := n.Decode(&body); err != nil || n.Kind != yaml.MappingNode {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no mapping", "write the members of the request: {reasoning_effort: low, temperature: null}")
		return
	}
	p.Body = body
}

// badURL says what is wrong with a URL without showing it: a URL may hold a secret.
func badURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "it is no URL with http or https and a host"
	case u.User != nil:
		return "it has user info"
	case u.Fragment != "":
		return "it has a fragment"
	}
	return ""
}

// check notes what is wrong with the i-th probe as a whole.
func (r *reader) check(i int) {
	p := &r.file.Probes[i]
	for key, text := range map[string]string{"name": p.Name, "url": p.URL, "dialect": p.Dialect, "model": p.Model} {
		if text == "" {
			example := map[string]string{"name": "chat-short", "url": "https://api.openai.com", "dialect": "openai-chat", "model": "gpt-4o-mini"}[key]
			r.wrongAt(i, key, "it is missing", "write "+key+": "+example)
		}
	}
	r.checkTarget(i, p)
	r.checkLengths(i, p)
	switch {
	case p.Every < time.Second:
		r.wrongAt(i, "every", p.Every.String()+" is less than 1s", "write 30s")
	case p.Timeout < time.Second:
		r.wrongAt(i, "timeout", p.Timeout.String()+" is less than 1s", "write 2m")
	case p.Budget.Money > 0 && p.Price == probe.Price{}:
		r.wrongAt(i, "budget", "money_per_day needs to know what tokens cost", "add price: {input_per_million: 0.15, output_per_million: 0.60}")
	}
	if p.IgnoreEOS && p.Dialect != "" && !canary.Endless(p.Dialect) {
		r.wrongAt(i, "ignore_eos", p.Dialect+" has no such wish", "leave it out")
	}
	if p.Shape == (probe.Shape{}) && (p.Baseline == "" || p.Baseline == probe.Auto) {
		r.wrongAt(i, "shape", "cell needs to know which cell", "write baseline: and an id that headway baseline show prints")
	}
	r.warn(i, p)
}

func (r *reader) checkTarget(i int, p *probe.Probe) {
	if wrong := badURL(p.URL); wrong != "" {
		r.wrongAt(i, "url", wrong, "write the start of the API's URLs: https://api.openai.com")
	}
	if u, err := url.Parse(p.URL); err == nil && u.RawQuery != "" {
		r.wrongAt(i, "url", "it has a query", "write the start of the API's URLs: https://api.openai.com")
	}
	for _, end := range []string{"/v1", "/v1/chat/completions", "/v1beta"} {
		if start, ok := strings.CutSuffix(strings.TrimRight(p.URL, "/"), end); ok {
			r.wrongAt(i, "url", "headway adds "+end+" by itself", "write "+start)
		}
	}
	if p.Dialect != "" && !slices.Contains(canary.Dialects(), p.Dialect) {
		r.wrongAt(i, "dialect", fmt.Sprintf("no canary speaks %q", p.Dialect), strict.OneOf(p.Dialect, canary.Dialects(), "there are "+strings.Join(canary.Dialects(), ", ")))
	}
	if len(p.Name) > 64 || strings.ContainsFunc(p.Name, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.wrongAt(i, "name", "it is a label: at most 64 ASCII letters, digits and signs, without spaces", "write chat-short")
	}
}

func (r *reader) checkLengths(i int, p *probe.Probe) {
	switch s := p.Shape; {
	case s == probe.Shape{}:
	case s.Input < canary.LeastInput || s.Input > 2_000_000:
		r.wrongAt(i, "shape", fmt.Sprintf("%d input tokens are not within %d and 2000000", s.Input, canary.LeastInput), "write {input_tokens: 512, output_tokens: 128}")
	case s.Output < 1 || s.Output > 200_000:
		r.wrongAt(i, "shape", fmt.Sprintf("%d output tokens are not within 1 and 200000", s.Output), "write {input_tokens: 512, output_tokens: 128}")
	}
}

// warn notes what hardly anybody means.
func (r *reader) warn(i int, p *probe.Probe) {
	add := func(key, wrong, right string) {
		r.file.Warnings = append(r.file.Warnings, r.file.problem(i, key, wrong, right))
	}
	tokens, money := Needs(p)
	share := 0.0
	if p.Budget.Tokens > 0 {
		share = float64(tokens) / float64(p.Budget.Tokens)
	}
	if p.Budget.Money > 0 {
		share = max(share, money/p.Budget.Money)
	}
	if share > 1 && p.Every > 0 {
		enough := time.Duration(math.Ceil(share*p.Every.Seconds())) * time.Second
		add("budget", fmt.Sprintf("a day needs %d tokens, so the budget is spent after %s", tokens, time.Duration(float64(day)/share).Round(time.Minute)), "write every: "+enough.String())
	}
}
