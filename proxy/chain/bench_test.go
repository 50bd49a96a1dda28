package chain_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// nobody is an observer that keeps nothing.
type nobody struct{}

func (nobody) Observe(exchange.Record)     {}
func (nobody) ObserveChain(exchange.Chain) {}

// A request of the OpenAI SDK with a body of 2 KB.
var (
	sdkFields = [][2]string{
		{"Host", "api.openai.com"}, {"Accept-Encoding", "gzip, deflate"}, {"Connection", "keep-alive"}, {"Accept", "application/json"},
		{"Content-Type", "application/json"}, {"User-Agent", "OpenAI/Python 3.3.0"}, {"X-Stainless-Lang", "python"},
		{"X-Stainless-Package-Version", "3.3.0"}, {"X-Stainless-OS", "Linux"}, {"X-Stainless-Arch", "x64"},
		{"X-Stainless-Runtime", "CPython"}, {"X-Stainless-Runtime-Version", "3.12.3"}, {"Authorization", "Bearer sk-0123456789abcdef0123456789abcdef"},
		{"X-Stainless-Async", "false"}, {"x-stainless-retry-count", "0"}, {"x-stainless-read-timeout", "600"}, {"Content-Length", "2048"},
	}
	sdkBody = []byte(`{"messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"` +
		strings.Repeat(`Tell me about the wind and the weather on the coast in winter.\n`, 28) + `"}],"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true}}`)
)

func sdkHeader() exchange.Header {
	type field struct{ name, value []byte }
	var fields []field
	for _, f := range sdkFields {
		fields = append(fields, field{[]byte(f[0]), []byte(f[1])})
	}
	return func(yield func(name, value []byte) bool) {
		for _, f := range fields {
			if !yield(f.name, f.value) {
				return
			}
		}
	}
}

func noHeader(func(name, value []byte) bool) {}

// through sends one request through a tap, and answers it.
func through(of *tap.Tap, header exchange.Header, body []byte) {
	now := tap.Now()
	x := of.Begin(tap.Request{
		Method: "POST", Path: "/v1/chat/completions", Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443}, Header: header, Read: now,
	})
	x.RequestBody(body)
	x.RequestRead(now)
	x.End(tap.Result{At: now, Status: 200, Outcome: exchange.OK})
}

// BenchmarkRequestThatIsNeverRetried takes a request from the tap's first sight of it
// to the end of its chain. The tap gathers the evidence whether there is a Joiner or
// not; a request without evidence shows how much of the tap's time that takes.
func BenchmarkRequestThatIsNeverRetried(b *testing.B) {
	joiner := chain.New(chain.Config{Next: nobody{}})
	defer joiner.Close()
	header := sdkHeader()
	for _, bench := range []struct {
		name   string
		tap    *tap.Tap
		header exchange.Header
		body   []byte
	}{
		{"no evidence", tap.New(tap.Config{Observer: nobody{}, Mode: exchange.Explicit}), noHeader, nil},
		{"evidence alone", tap.New(tap.Config{Observer: nobody{}, Mode: exchange.Explicit}), header, sdkBody},
		{"evidence and chain", tap.New(tap.Config{Observer: joiner, Begun: joiner.Begin, Mode: exchange.Explicit}), header, sdkBody},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				through(bench.tap, bench.header, bench.body)
			}
		})
	}
}

// BenchmarkJoiner calls Begin and Observe alone, for different requests, on one
// processor and on all.
func BenchmarkJoiner(b *testing.B) {
	joiner := chain.New(chain.Config{Next: nobody{}})
	defer joiner.Close()
	var serial atomic.Uint64
	one := func(r *exchange.Record) {
		n := exchange.Fingerprint(3 * serial.Add(1))
		r.Call.Request, r.Call.Conversation = n, n+1
		r.Start, r.Attempt = time.Now(), exchange.Attempt{}
		r.Attempt = joiner.Begin(*r)
		joiner.Observe(*r)
	}
	answered := exchange.Record{Mode: exchange.Explicit, Status: 200, Outcome: exchange.OK, Model: exchange.Model{Request: "gpt-4o-mini"}}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for r := answered; b.Loop(); {
			one(&r)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for r := answered; p.Next(); {
				one(&r)
			}
		})
	})
}

// TestMemoryAtTheBound weighs a Joiner with 100,000 chains that wait, each of another
// request.
func TestMemoryAtTheBound(t *testing.T) {
	const chains = 100_000
	before := heap()
	joiner := chain.New(chain.Config{Next: nobody{}})
	for i := range chains {
		n := exchange.Fingerprint(10 * (i + 1))
		r := exchange.Record{
			Start: time.Now(), Mode: exchange.Explicit, Operation: "chat", Model: exchange.Model{Request: "gpt-4o-mini"},
			Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
			Call:     exchange.Call{Request: n, Conversation: n + 1, ID: n + 2, IDSource: sdk.ClientRequest},
			Trace:    exchange.Trace{TraceID: fmt.Sprintf("%032x", i+1), SpanID: fmt.Sprintf("%016x", i+1)},
			Status:   429, Outcome: exchange.Refused, ErrorType: exchange.ErrorType(strings.Repeat("4", 3)),
		}
		r.Attempt = joiner.Begin(r)
		joiner.Observe(r)
	}
	if n := joiner.Open(); n != chains {
		t.Fatalf("%d chains are open", n)
	}
	used := heap() - before
	t.Logf("%d open chains take %.1f MiB, %d bytes each", chains, float64(used)/(1<<20), used/chains)
	if used > 64<<20 {
		t.Errorf("%d bytes, want at most 64 MiB", used)
	}
	joiner.Close()
	if left := heap() - before; left > 4<<20 {
		t.Errorf("%d bytes are left when all are closed", left)
	}
	runtime.KeepAlive(joiner)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestRequestThatIsNeverRetriedAllocatesNothingMore than the tap allocates for a
// request without evidence.
func TestRequestThatIsNeverRetriedAllocatesNothingMore(t *testing.T) {
	joiner := chain.New(chain.Config{Next: nobody{}})
	defer joiner.Close()
	header := sdkHeader()
	bare := tap.New(tap.Config{Observer: nobody{}, Mode: exchange.Explicit})
	joined := tap.New(tap.Config{Observer: joiner, Begun: joiner.Begin, Mode: exchange.Explicit})
	least := testing.AllocsPerRun(200, func() { through(bare, noHeader, nil) })
	if n := testing.AllocsPerRun(200, func() { through(joined, header, sdkBody) }); n > least {
		t.Errorf("%v allocations, %v without evidence and chain", n, least)
	}
}

// BenchmarkEqualRequests takes a request while a thousand equal ones are under way.
func BenchmarkEqualRequests(b *testing.B) {
	joiner := chain.New(chain.Config{Next: nobody{}})
	defer joiner.Close()
	r := exchange.Record{
		Start: time.Now(), Mode: exchange.Explicit, Status: 200, Outcome: exchange.OK,
		Call: exchange.Call{Request: 1, Conversation: 2, Retries: exchange.Known(0), Client: sdk.OpenAIPython},
	}
	for range 1000 {
		joiner.Begin(r)
	}
	b.ReportAllocs()
	for b.Loop() {
		again := r
		again.Attempt = joiner.Begin(again)
		joiner.Observe(again)
	}
}
