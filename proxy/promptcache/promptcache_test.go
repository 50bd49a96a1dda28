package promptcache_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/promptcache"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// step is a request and what the provider says of its tokens.
type step struct {
	at            time.Duration // when the request begins
	takes         time.Duration // until the answer; 0 is a second
	ask           ask
	input, cached int
	key           string // of the sender
	want          string
}

// wire is a tap with the stage behind it.
type wire struct {
	tap  *tap.Tap
	last exchange.Record
}

func newWire() *wire {
	w := new(wire)
	stage := promptcache.New(promptcache.Config{Next: w})
	w.tap = tap.New(tap.Config{Dialects: dialects, Observer: stage, Role: exchange.Client, Mode: exchange.Explicit})
	return w
}

func (w *wire) Observe(r exchange.Record) { w.last = r }

// send passes a request and its answer through the tap.
func (w *wire) send(at, takes time.Duration, path, key, request, response string) exchange.Record {
	began := tap.Instant(at)
	head := func(fields ...string) exchange.Header {
		return func(yield func(name, value []byte) bool) {
			for i := 0; i < len(fields); i += 2 {
				if !yield([]byte(fields[i]), []byte(fields[i+1])) {
					return
				}
			}
		}
	}
	x := w.tap.Begin(tap.Request{
		Method: "POST", Path: path, Upstream: exchange.Upstream{Host: "api", Port: 443}, Read: began,
		Header: head("Content-Type", "application/json", "Authorization", "Bearer "+key),
	})
	x.RequestBody([]byte(request))
	x.RequestRead(began + 1)
	x.RequestWritten(began + 2)
	answered := began + tap.Instant(takes)
	x.ResponseHead(200, head("Content-Type", "application/json"), answered)
	x.Chunk([][]byte{[]byte(response)}, answered, answered)
	x.End(tap.Result{At: answered + 1, Outcome: exchange.OK})
	return w.last
}

// told is the finding of r in one line.
func told(r exchange.Record, shift int32) string {
	p := r.Prefix
	switch {
	case p.Missed == exchange.NoMiss:
		return ""
	case p.Missed == exchange.SamePrefix:
		return fmt.Sprintf("%v lost %d", p.Missed, p.Lost)
	case p.Message > 0:
		return fmt.Sprintf("%v %v %d lost %d", p.Missed, p.Changed, p.Message-shift, p.Lost)
	}
	return fmt.Sprintf("%v %v lost %d", p.Missed, p.Changed, p.Lost)
}

// talk is a dialogue so far: n messages in turn.
func talk(n int) []string {
	var m []string
	for i := range n {
		m = append(m, fmt.Sprintf("%s:message %d", [2]string{"u", "a"}[i%2], i+1))
	}
	return m
}

// changed is talk(n) with other words in message k.
func changed(n, k int) []string {
	m := talk(n)
	m[k-1] += ", edited"
	return m
}

func of(messages []string) ask {
	return ask{tools: []string{"read", "write"}, system: "Be brief.", messages: messages}
}

func with(a ask, change func(*ask)) ask {
	change(&a)
	return a
}

// scenarios are dialogues of any API. Their first step proves that the cache works.
func scenarios() map[string][]step {
	first := step{ask: of(talk(1)), input: 4000}
	second := step{at: 10 * time.Second, ask: of(talk(3)), input: 5000, cached: 3968}
	return map[string][]step{
		"every turn meets the cache": {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, cached: 4992}},
		"the cache missed":           {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, want: "same_prefix lost 5000"}},
		"the cache missed a part":    {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, cached: 1024, want: "same_prefix lost 3976"}},
		"the system prompt was edited": {first, second, {at: 20 * time.Second, input: 6000,
			ask: with(of(talk(5)), func(a *ask) { a.system = "Be long." }), want: "prefix_changed system lost 5000"}},
		"the tools come in another order": {first, second, {at: 20 * time.Second, input: 6000,
			ask: with(of(talk(5)), func(a *ask) { a.tools = []string{"write", "read"} }), want: "prefix_changed tools lost 5000"}},
		"a tool is new and the system prompt, too": {first, second, {at: 20 * time.Second, input: 6000,
			ask: with(of(talk(5)), func(a *ask) { a.tools, a.system = append(a.tools, "search"), "x" }), want: "prefix_changed tools lost 5000"}},
		"a message was edited": {first, second, {at: 20 * time.Second, ask: of(changed(5, 1)), input: 6000, cached: 1024, want: "prefix_changed message 1 lost 3976"}},
		"the history lost its beginning": {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, cached: 4992},
			{at: 30 * time.Second, ask: of(talk(7)[2:]), input: 4000, want: "prefix_changed message 1 lost 4000"}},
		"the history lost all but its end": {first, second, {at: 20 * time.Second, ask: of(talk(5)[4:]), input: 3000}},
		"the message before the last was edited, and the cache holds the rest": {first, second,
			{at: 20 * time.Second, ask: of(changed(5, 2)), input: 6000, cached: 4700}},
		"the time stands in the system prompt": {
			{ask: with(of(talk(1)), func(a *ask) { a.system = "It is 10:00." }), input: 4000},
			{at: 10 * time.Second, ask: with(of(talk(3)), func(a *ask) { a.system = "It is 10:10." }), input: 5000, cached: 0},
			{at: 20 * time.Second, ask: with(of(talk(5)), func(a *ask) { a.system = "It is 10:20." }), input: 6000, cached: 0, want: "prefix_changed system lost 5000"},
		},
		"the same request again":                 {first, second, {at: 20 * time.Second, ask: of(talk(3)), input: 5000, cached: 4992}},
		"the same request again, and it missed":  {first, second, {at: 20 * time.Second, ask: of(talk(3)), input: 5000, want: "same_prefix lost 5000"}},
		"a branch meets the cache":               {first, second, {at: 20 * time.Second, ask: of(append(talk(3), "a:other", "u:words")), input: 6000, cached: 4992}},
		"two branches, and the second misses":    {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, cached: 4992}, {at: 20 * time.Second, ask: of(append(talk(3), "a:other", "u:words")), input: 6000, want: "same_prefix lost 5000"}},
		"another conversation that begins alike": {first, second, {at: 20 * time.Second, ask: of([]string{"u:message 1", "a:no", "u:why"}), input: 4500, cached: 3968}},
		"another conversation":                   {first, second, {at: 20 * time.Second, ask: of([]string{"u:something else"}), input: 4500}},
		"a greeting under another system prompt": {first, second, {at: 20 * time.Second, input: 4500, ask: with(of([]string{"u:message 1", "a:no", "u:why"}), func(a *ask) { a.system = "Other." })}},
		"after the lifetime of the cache":        {first, second, {at: 6 * time.Minute, ask: of(talk(5)), input: 6000}},
		"within the lifetime of the cache":       {first, second, {at: 5 * time.Minute, ask: of(talk(5)), input: 6000, want: "same_prefix lost 5000"}},
		"before the answer began":                {first, {at: 10 * time.Second, takes: 5 * time.Second, ask: of(talk(3)), input: 5000, cached: 3968}, {at: 14 * time.Second, ask: of(talk(3)), input: 5000, cached: 3968}},
		"another sender":                         {first, second, {at: 20 * time.Second, ask: of(talk(5)), input: 6000, key: "other"}},
		"the same dialogue under another system prompt": {
			{ask: of(talk(3)), input: 5000}, {at: 5 * time.Second, ask: of(talk(5)), input: 6000, cached: 4992},
			{at: 20 * time.Second, ask: with(of(talk(3)), func(a *ask) { a.system = "Other." }), input: 5000, cached: 4992},
			{at: 30 * time.Second, ask: with(of(talk(5)), func(a *ask) { a.system = "Other." }), input: 6000, want: "same_prefix lost 5000"},
		},
		"a summary in place of the history": {first, second, {at: 20 * time.Second, ask: of([]string{"u:We spoke of messages.", "a:Yes.", "u:message 5"}), input: 2000}},
	}
}

func TestScenariosOfEveryAPI(t *testing.T) {
	for _, a := range apis() {
		for name, steps := range scenarios() {
			t.Run(a.name+"/"+name, func(t *testing.T) {
				w := newWire()
				for i, s := range steps {
					r := w.play(&a, &s)
					want := s.want
					if name == "the time stands in the system prompt" && a.silent {
						want = "" // such a provider says nothing of a cache that nothing meets
					}
					if got := told(r, a.shift); got != want {
						t.Errorf("step %d: %q, want %q", i+1, got, want)
					}
					if note := r.Prefix.Missed.Note(); note != "" && !slices.Contains(r.Notes, note) || note == "" && len(r.Notes) > 0 {
						t.Errorf("step %d: notes %q", i+1, r.Notes)
					}
					if r.Prefix.Prompt != nil || !r.Usage.Input.Known || r.Usage.Input.N != int64(s.input) {
						t.Errorf("step %d: %+v, %+v", i+1, r.Prefix, r.Usage)
					}
				}
			})
		}
	}
}

// play sends one step to an API.
func (w *wire) play(a *api, s *step) exchange.Record {
	written := 0
	if a.explicit && !s.ask.unmarked {
		written = s.input - s.cached
	}
	takes := s.takes
	if takes == 0 {
		takes = time.Second
	}
	return w.send(s.at, takes, a.path, s.key, a.request(s.ask), a.response(s.input, s.cached, written))
}
