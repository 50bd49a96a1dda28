package turn_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/turn"
)

// step is the n-th exchange of agents that ask, call a tool, bring its result and are
// answered.
func step(r *exchange.Record, n uint64) {
	binary.BigEndian.PutUint64(r.Span.ID[:], n+1)
	agent := exchange.Fingerprint(n / 2 * 16)
	r.Start, r.Attempt = time.Now(), exchange.Attempt{Chain: exchange.ChainID(n + 1), Number: 1, Outcome: exchange.FirstTry}
	r.Thread = exchange.Thread{Whole: agent + 1, Speaker: exchange.Human, Calls: r.Thread.Calls[:0]}
	r.Thread.Marks[0] = exchange.Mark{By: sdk.Session, ID: agent + 7}
	if n%2 == 0 {
		r.Thread.Calls = append(r.Thread.Calls, agent+2, agent+3)
		return
	}
	r.Thread.Whole, r.Thread.Before, r.Thread.Stem, r.Thread.Result, r.Thread.Speaker = agent+4, agent+1, agent+5, agent+3, exchange.Tool
}

// BenchmarkExchange begins and ends exchanges: one with the call of two tools, one with
// their results. It allows one allocation for each.
func BenchmarkExchange(b *testing.B) {
	for name, change := range map[string]func(*exchange.Record){
		"agents": func(*exchange.Record) {},
		"one prompt for all": func(r *exchange.Record) {
			r.Thread = exchange.Thread{Whole: 1, Speaker: exchange.Human, Calls: r.Thread.Calls[:0]}
		},
	} {
		b.Run(name, func(b *testing.B) {
			j := turn.New(turn.Config{Next: exchangetest.Nowhere{}, MaxOpen: 20_000})
			defer j.Close()
			r, n := answered(), uint64(0)
			one := func() {
				step(&r, n)
				change(&r)
				whole(j, &r)
				n++
			}
			for range 50_000 { // so that every session takes another one's place
				one()
			}
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
}

// whole begins r and ends it, and its chain too.
func whole(j *turn.Joiner, r *exchange.Record) {
	j.Begin(*r)
	j.Observe(*r)
	j.ObserveChain(exchange.Chain{ID: r.Attempt.Chain, Outcome: exchange.FirstTry})
}

func answered() exchange.Record {
	return exchange.Record{
		Mode: exchange.Explicit, Operation: exchange.Chat, Status: 200, Outcome: exchange.OK, Model: exchange.Model{Request: "gpt-4o-mini"},
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443}, Timing: exchange.Timing{End: time.Millisecond},
	}
}

func TestExchangeAllocatesOnceAtMost(t *testing.T) {
	j := turn.New(turn.Config{Next: exchangetest.Nowhere{}, MaxOpen: 1000})
	defer j.Close()
	r, n := answered(), uint64(0)
	one := func() {
		step(&r, n)
		whole(j, &r)
		n++
	}
	for range 10_000 {
		one()
	}
	if got := testing.AllocsPerRun(1000, one); got > 1 {
		t.Errorf("%v allocations, want 1 at most", got)
	}
}

// TestMemoryAtTheBound weighs a Joiner with 100,000 sessions in the middle of a turn, each
// with a name, the messages of a request, and two calls of tools.
func TestMemoryAtTheBound(t *testing.T) {
	const most = 32 << 20
	before := heapSize()
	j := turn.New(turn.Config{Next: exchangetest.Nowhere{}})
	r := answered()
	for i := range uint64(100_000) {
		step(&r, 2*i)
		whole(j, &r)
	}
	if n := j.Open(); n != 100_000 {
		t.Fatalf("%d turns are open", n)
	}
	used := heapSize() - before
	t.Logf("%.1f MiB", float64(used)/(1<<20))
	if used > most {
		t.Errorf("100,000 open sessions take %.1f MiB, want %d at most", float64(used)/(1<<20), most>>20)
	}
	j.Close()
}

func heapSize() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
