package turn_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
	"github.com/headway-sidecar/headway/proxy/turn"
)

// world is agents on a clock of its own, which drive a tap, a chain stage and a turn stage.
// One process runs at a time. It is the observer behind the stages.
type world struct {
	now     time.Duration
	waiting events
	rested  chan struct{} // the process that ran sleeps or has ended
	random  *rand.Rand
	serial  int

	tap    *tap.Tap
	chains *chain.Joiner
	turns  *turn.Joiner
	ending *truth // of the exchange that ends now

	seen []seen
	over []exchange.WholeTurn
}

// truth is where an exchange belongs.
type truth struct {
	kind          string
	session, turn int
	marked        bool // its client names the session
}

type seen struct {
	truth
	record exchange.Record
}

func newWorld(seed uint64, config turn.Config) *world {
	w := &world{rested: make(chan struct{}), random: rand.New(rand.NewPCG(seed, 1)), now: time.Hour}
	config.Next = w
	w.turns = turn.New(config)
	w.chains = chain.New(chain.Config{Next: w.turns})
	w.tap = tap.New(tap.Config{
		Dialects: slices.Concat(openai.Dialects(), responses.Dialects(), anthropic.Dialects(), gemini.Dialects()),
		Observer: w.chains, Role: exchange.Client, Mode: exchange.Explicit,
		Begun: func(r exchange.Record) exchange.Attempt {
			r.Attempt = w.chains.Begin(r)
			w.turns.Begin(r)
			return r.Attempt
		},
	})
	return w
}

func (w *world) Observe(r exchange.Record)        { w.seen = append(w.seen, seen{*w.ending, r}) }
func (w *world) ObserveChain(exchange.Chain)      {}
func (w *world) ObserveTurn(t exchange.WholeTurn) { w.over = append(w.over, t) }

// run runs until no process waits any more, and ends all turns.
func (w *world) run() {
	for len(w.waiting) > 0 {
		e := heap.Pop(&w.waiting).(event)
		w.now = e.at
		e.run()
	}
	w.chains.Close()
	w.turns.Close()
}

// spawn starts a process at a moment.
func (w *world) spawn(at time.Duration, process func()) {
	w.at(at, func() {
		go func() {
			process()
			w.rested <- struct{}{}
		}()
		<-w.rested
	})
}

func (w *world) at(at time.Duration, run func()) {
	w.serial++
	heap.Push(&w.waiting, event{at: at, order: w.serial, run: run})
}

// sleep lets the others go on for so long.
func (w *world) sleep(d time.Duration) {
	wake, woken := w.wake()
	w.at(w.now+d, wake)
	w.rested <- struct{}{}
	<-woken
}

// wake returns what wakes the process that runs, and what it waits for.
func (w *world) wake() (wake func(), woken chan struct{}) {
	woken = make(chan struct{})
	return func() {
		close(woken)
		<-w.rested
	}, woken
}

// together runs processes at once, and waits for all.
func (w *world) together(processes ...func()) {
	left := len(processes)
	wake, woken := w.wake()
	for _, p := range processes {
		w.spawn(w.now, func() {
			p()
			if left--; left == 0 {
				w.at(w.now, wake)
			}
		})
	}
	w.rested <- struct{}{}
	<-woken
}

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

// id is an id that nobody else has.
func (w *world) id(prefix string) string {
	w.serial++
	return fmt.Sprintf("%s%016x", prefix, rand.New(rand.NewPCG(uint64(w.serial), 7)).Uint64())
}

// ask makes one exchange. Sometimes the tap gets its end after the client does, and maybe
// after the client's next request has begun.
func (w *world) ask(of truth, path string, fields []string, body string, status int, answer string, took time.Duration) {
	x := w.tap.Begin(tap.Request{
		Method: "POST", Path: path, Upstream: exchange.Upstream{Host: "model", Port: 443}, Read: tap.Instant(w.now),
		Header: header(append(fields, "Content-Type", "application/json")...),
	})
	x.RequestBody([]byte(body))
	x.RequestRead(tap.Instant(w.now))
	x.RequestWritten(tap.Instant(w.now))
	w.sleep(took)
	end := tap.Instant(w.now)
	x.ResponseHead(status, header("Content-Type", "application/json"), end)
	x.Chunk([][]byte{[]byte(answer)}, end, end)
	finish := func() {
		w.ending = &of
		x.End(tap.Result{At: end, Outcome: exchange.OK})
	}
	if w.chance(10) {
		w.at(w.now+300*time.Microsecond, finish)
		return
	}
	finish()
}

func header(fields ...string) exchange.Header {
	return func(yield func(name, value []byte) bool) {
		for i := 0; i+1 < len(fields); i += 2 {
			if !yield([]byte(fields[i]), []byte(fields[i+1])) {
				return
			}
		}
	}
}

// event is something that happens at a moment.
type event struct {
	at    time.Duration
	order int
	run   func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// quoted is a text as JSON.
func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
