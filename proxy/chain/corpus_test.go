package chain_test

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// The corpus is the calls of many clients within 40 minutes, four a second. The test
// makes their attempts, so that it knows which belong together, and compares the
// Joiner's chains with that.
const (
	corpusCalls = 10_000
	corpusTime  = 40 * time.Minute
)

// library is a client with its own way to try again. The numbers are the corpus's own,
// and not those of package sdk: some clients of the corpus are set otherwise.
type library struct {
	client  exchange.SDK // that the tap recognises
	share   int          // of the corpus
	retries int
	first   time.Duration // doubles
	ceiling time.Duration
	least   float64       // share of the wait that jitter leaves
	honours time.Duration // longest retry-after that it waits for; 0 is any
	marker  string        // count, invocation, idempotency, request-id, traceparent; empty is none
	zero    bool          // it sends a count that is always 0
}

var libraries = []library{
	{client: sdk.OpenAIPython, share: 20, retries: 2, first: 500 * ms, ceiling: 8 * time.Second, least: .75, honours: 2 * time.Minute, marker: "count"},
	{client: sdk.OpenAIJS, share: 14, retries: 2, first: 500 * ms, ceiling: 8 * time.Second, least: .75, marker: "count"},
	{client: sdk.AnthropicPython, share: 10, retries: 2, first: 500 * ms, ceiling: 8 * time.Second, least: .75, honours: time.Minute, marker: "count"},
	{client: sdk.AnthropicJS, share: 6, retries: 2, first: 500 * ms, ceiling: 8 * time.Second, least: .75, marker: "traceparent"},
	{client: sdk.AWS, share: 6, retries: 2, first: 100 * ms, ceiling: 20 * time.Second, least: 0, marker: "invocation"},
	{client: sdk.AWS, share: 4, retries: 4, first: time.Second, ceiling: 20 * time.Second, least: 0, marker: "invocation"},
	{client: sdk.Unknown, share: 3, retries: 3, first: time.Second, ceiling: 20 * time.Second, least: .5, marker: "idempotency"},
	{client: sdk.Unknown, share: 3, retries: 3, first: time.Second, ceiling: 20 * time.Second, least: .5, marker: "request-id"},
	{client: sdk.VercelAI, share: 12, retries: 2, first: 2 * time.Second, ceiling: time.Minute, least: 1, honours: time.Minute},
	{client: sdk.LangChain, share: 6, retries: 6, first: 2 * time.Second, ceiling: 64 * time.Second, least: .5, honours: time.Minute, zero: true},
	{client: sdk.OpenAIJS, share: 4, retries: 6, first: 2 * time.Second, ceiling: 64 * time.Second, least: .5, honours: time.Minute, zero: true},
	{client: sdk.GoogleGenAI, share: 6, retries: 4, first: 2 * time.Second, ceiling: 61 * time.Second, least: .5},
	{client: sdk.Unknown, share: 6, retries: 3, first: time.Second, ceiling: 10 * time.Second, least: 1},
}

// call is one logical call of the corpus.
type call struct {
	id       int
	library  *library
	prompt   int
	model    string
	fallback string // another model, when the first has failed for good
	random   *rand.Rand
	name     exchange.Fingerprint // the identifier in the client's marker
	trace    string
}

// placed is an attempt with its true place, and the Record that the Joiner made.
type placed struct {
	call, number int
	marked       bool
	record       exchange.Record
}

// corpus runs calls against a Joiner. It is its next observer.
type corpus struct {
	joiner    *chain.Joiner
	seed      maphash.Seed
	mu        sync.Mutex
	calledFor int
	serial    int64
	truth     map[int64]placed // by serial number, which the corpus keeps in Bytes.Out
	chains    []exchange.Chain
}

func (c *corpus) Observe(r exchange.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.truth[r.Bytes.Out]
	t.record = r
	c.truth[r.Bytes.Out] = t
}

func (c *corpus) ObserveChain(over exchange.Chain) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chains = append(c.chains, over)
}

func (c *corpus) fingerprint(of ...any) exchange.Fingerprint {
	return exchange.Fingerprint(max(1, maphash.String(c.seed, fmt.Sprint(of...))))
}

// ending is one way for an attempt to end.
type ending struct {
	share   int
	outcome exchange.Outcome
	status  int
	after   bool // asks to wait
	never   bool // x-should-retry: false
	final   bool // no library tries again
	resent  bool // by the application, in half of the cases
}

var endings = []ending{
	{share: 25, outcome: exchange.Refused, status: 429},
	{share: 20, outcome: exchange.Refused, status: 429, after: true},
	{share: 15, outcome: exchange.HTTPError, status: 500},
	{share: 10, outcome: exchange.Refused, status: 503},
	{share: 10, outcome: exchange.Refused, status: 529},
	{share: 8, outcome: exchange.ConnectError, status: 502},
	{share: 8, outcome: exchange.ClientGone},
	{share: 2, outcome: exchange.HTTPError, status: 400, final: true},
	{share: 1, outcome: exchange.Refused, status: 429, never: true, final: true},
	{share: 2, outcome: exchange.UpstreamCut, status: 200, final: true, resent: true},
}

func pick[T any](random *rand.Rand, from []T, share func(*T) int) *T {
	sum := 0
	for i := range from {
		sum += share(&from[i])
	}
	n := random.IntN(sum)
	for i := range from {
		if n -= share(&from[i]); n < 0 {
			return &from[i]
		}
	}
	panic("unreachable")
}

// run makes the attempts of one call, in its time.
func (c *corpus) run(k *call) {
	number, retries := 1, 0
	outer := 0 // attempts before the client's own began to count anew
	for {
		e, asked := c.attempt(k, number, number-1-outer)
		number++
		switch {
		case e == nil:
			return
		case e.resent && k.random.IntN(2) == 0:
			outer = number - 1
			time.Sleep(time.Duration(k.random.IntN(4000)) * ms)
		case e.final, retries == k.library.retries:
			if k.fallback == "" || e.final {
				return
			}
			k.model, k.fallback, retries, outer = k.fallback, "", 0, number-1
			k.name = c.fingerprint("fallback", k.id)
			time.Sleep(time.Duration(k.random.IntN(30)) * ms)
		default:
			time.Sleep(k.library.wait(retries, asked, k.random))
			retries++
		}
	}
}

// wait returns how long the library waits before the next attempt.
func (l *library) wait(retries int, asked time.Duration, random *rand.Rand) time.Duration {
	if asked > 0 && (l.honours == 0 || asked <= l.honours) {
		return asked + time.Duration(random.IntN(30))*ms
	}
	longest := min(l.first<<retries, l.ceiling)
	return time.Duration(float64(longest)*(l.least+(1-l.least)*random.Float64())) + time.Duration(random.IntN(30))*ms
}

// attempt runs one attempt and returns its ending, nil for an answer.
func (c *corpus) attempt(k *call, number, count int) (*ending, time.Duration) {
	r := exchange.Record{
		Start: time.Now(), Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Operation: "chat", Dialect: "openai-chat", Stream: true, Model: exchange.Model{Request: k.model},
		Upstream: exchange.Upstream{Host: "model", Port: 443},
		Call: exchange.Call{
			Request:      c.fingerprint("request", k.prompt, k.model, k.library.marker, k.library.client),
			Conversation: c.fingerprint("conversation", k.prompt), Client: k.library.client,
		},
	}
	marked := k.mark(&r, count)
	c.mu.Lock()
	c.serial++
	r.Bytes.Out = c.serial
	c.truth[c.serial] = placed{call: k.id, number: number, marked: marked}
	c.mu.Unlock()
	r.Attempt = c.joiner.Begin(r)

	if k.random.IntN(100) >= 34 { // it is answered
		took := time.Duration(500+k.random.IntN(8000)) * ms
		time.Sleep(took)
		r.Status, r.Outcome = 200, exchange.OK
		r.Timing = exchange.Timing{FirstChunk: 200 * ms, FirstToken: 300 * ms, End: took}
		if k.random.IntN(50) == 0 { // or its reader has had enough
			r.Outcome, r.Chunks.Count = exchange.ClientGone, 20
		}
		c.joiner.Observe(r)
		return nil, 0
	}
	e := pick(k.random, endings, func(e *ending) int { return e.share })
	took := time.Duration(20+k.random.IntN(600)) * ms
	var asked time.Duration
	switch e.outcome {
	case exchange.ClientGone:
		took = time.Duration(5+k.random.IntN(20)) * time.Second
	case exchange.UpstreamCut:
		took += 2 * time.Second
		r.Timing.FirstChunk, r.Timing.FirstToken, r.Chunks.Count = 200*ms, 300*ms, 9
	}
	if e.after {
		asked = time.Duration(1+k.random.IntN(25)) * time.Second
		r.Advice.RetryAfter = asked
	}
	if e.never {
		r.Advice.Retry = exchange.No
	}
	time.Sleep(took)
	r.Status, r.Outcome, r.Timing.End = e.status, e.outcome, took
	if e.status >= 400 {
		r.ErrorType = exchange.ErrorType(strconv.Itoa(e.status))
	}
	c.joiner.Observe(r)
	return e, asked
}

// mark puts the library's marker on an attempt.
func (k *call) mark(r *exchange.Record, count int) bool {
	switch k.library.marker {
	case "count":
		r.Call.Retries = exchange.Known(int64(count))
	case "invocation":
		r.Call.Retries = exchange.Known(int64(count))
		r.Call.ID, r.Call.IDSource = k.name, sdk.Invocation
	case "idempotency":
		r.Call.ID, r.Call.IDSource = k.name, sdk.IdempotencyKey
	case "request-id":
		r.Call.ID, r.Call.IDSource = k.name, sdk.ClientRequest
	case "traceparent":
		r.Trace = exchange.Trace{TraceID: k.trace, SpanID: "00f067aa0ba902b7"}
	}
	if k.library.zero {
		r.Call.Retries = exchange.Known(0)
	}
	return k.library.marker != ""
}

// calls makes the calls of the corpus and the times at which they begin. A third of
// them share a few prompts; one in twenty comes as several equal ones, at once.
func (c *corpus) calls(random *rand.Rand) ([]*call, []time.Duration) {
	var calls []*call
	var at []time.Duration
	add := func(k call, when time.Duration) {
		k.id = len(calls)
		k.random = rand.New(rand.NewPCG(uint64(k.id), 7))
		k.name = c.fingerprint("name", k.id)
		k.trace = fmt.Sprintf("%032x", k.id+1)
		calls, at = append(calls, &k), append(at, when)
	}
	for len(calls) < corpusCalls {
		k := call{library: pick(random, libraries, func(l *library) int { return l.share }), model: "large", prompt: 1000 + len(calls)}
		if random.IntN(3) == 0 {
			k.prompt = random.IntN(100)
		}
		if random.IntN(12) == 0 { // by a router, which leaves retries to the library in half of the cases
			k.fallback = "small"
			if random.IntN(2) == 0 {
				once := *k.library
				once.retries = 0
				k.library = &once
			}
		}
		when := time.Duration(random.Int64N(int64(corpusTime)))
		add(k, when)
		if random.IntN(20) == 0 {
			for range 1 + random.IntN(3) {
				add(k, when+time.Duration(random.IntN(50))*ms)
			}
		}
		if random.IntN(100) == 0 { // somebody asks two models the same, to compare them
			k.model, k.fallback = "other", ""
			add(k, when+time.Duration(random.IntN(50))*ms)
		}
	}
	return calls, at
}

func TestCorpusIsJoinedRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &corpus{seed: maphash.MakeSeed(), truth: map[int64]placed{}}
		c.joiner = chain.New(chain.Config{Next: c})
		calls, at := c.calls(rand.New(rand.NewPCG(4, 4)))
		c.calledFor = len(calls)
		var all sync.WaitGroup
		for i, k := range calls {
			all.Go(func() {
				time.Sleep(at[i])
				c.run(k)
			})
		}
		all.Wait()
		time.Sleep(time.Hour)
		if n := c.joiner.Open(); n > 0 {
			t.Errorf("%d chains are open an hour after the last attempt", n)
		}
		c.joiner.Close()
		c.score(t)
	})
}

// score counts an attempt as right when it begins a chain as the first of its
// call, or goes on with the chain of the one before.
func (c *corpus) score(t *testing.T) {
	type tally struct{ all, right, split, merged, ambiguous, retries int }
	retried := map[int]bool{}
	tallies := map[bool]*tally{true: {}, false: {}}
	chainOf := map[[2]int]exchange.ChainID{}
	before := map[exchange.ChainID][]int64{}
	for serial := int64(1); serial <= c.serial; serial++ {
		a := c.truth[serial]
		chainOf[[2]int{a.call, a.number}] = a.record.Attempt.Chain
	}
	apart := 0
	by := map[string]int{}
	for serial := int64(1); serial <= c.serial; serial++ {
		a := c.truth[serial]
		s := tallies[a.marked]
		s.all++
		got := a.record.Attempt
		by[got.JoinedBy]++
		if got.Ambiguous {
			s.ambiguous++
		}
		if a.number > 1 {
			s.retries++
			retried[a.call] = true
		}
		right := got.Number == 1
		if a.number > 1 {
			right = got.Chain == chainOf[[2]int{a.call, a.number - 1}]
		}
		switch {
		case right:
			s.right++
		case got.Number == 1:
			s.split++
		default:
			s.merged++
		}
		for _, earlier := range before[got.Chain] {
			if other := c.truth[earlier]; other.call != a.call && toldApart(&other.record, &a.record) {
				apart++
				t.Logf("joined: %+v and %+v", other.record.Call, a.record.Call)
			}
		}
		before[got.Chain] = append(before[got.Chain], serial)
	}
	for marked, least := range map[bool]float64{true: .99, false: .97} {
		s := tallies[marked]
		share := float64(s.right) / float64(s.all)
		t.Logf("marker %-5v: %5d attempts, %4d of them retries; right %.3f %%, split %d, merged %d, said to be ambiguous %d",
			marked, s.all, s.retries, 100*share, s.split, s.merged, s.ambiguous)
		if share < least {
			t.Errorf("marker %v: %.4f of the attempts are joined right, want %.2f", marked, share, least)
		}
	}
	t.Logf("%d calls, %d of them retried, gave %d chains, joined by %v", c.calledFor, len(retried), len(c.chains), by)
	if len(retried) < c.calledFor*3/10 || by["conversation"] < 50 {
		t.Errorf("%d of %d calls are retried, %d fell back: too few to tell", len(retried), c.calledFor, by["conversation"])
	}
	if apart > 0 {
		t.Errorf("%d joins of calls that a marker tells apart", apart)
	}
}

// toldApart reports whether a marker names two different calls.
func toldApart(a, b *exchange.Record) bool {
	return (a.Call.ID != 0 && b.Call.ID != 0 && a.Call.IDSource == b.Call.IDSource && a.Call.ID != b.Call.ID) ||
		(a.Trace.TraceID != "" && b.Trace.TraceID != "" && a.Trace.TraceID != b.Trace.TraceID)
}
