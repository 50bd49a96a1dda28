package promptcache_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/proxy/promptcache"
)

// nowhere drops every Record.
type nowhere struct{ misses int }

func (n *nowhere) Observe(r exchange.Record) {
	if r.Prefix.Missed != exchange.NoMiss {
		n.misses++
	}
}

// turn is the n-th request of a conversation: its prompt has 2n-1 messages after the first ten.
func turn(conversation, n int, at time.Time) exchange.Record {
	r := exchangetest.Plain()
	r.Start = at
	r.Usage.Input, r.Usage.CacheRead = exchange.Known(int64(4000+n*500)), exchange.Known(int64(3500+n*500))
	p := &exchange.Prompt{Tools: 1, System: 2, Sender: 3}
	for i := range 10 + 2*n - 1 {
		p.Messages = append(p.Messages, uint32(conversation*7919+i*104729))
	}
	r.Prefix.Prompt = p
	return r
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestManyConversationsTakeBoundedMemory, and those that go on are still known.
func TestManyConversationsTakeBoundedMemory(t *testing.T) {
	out := new(nowhere)
	c := promptcache.New(promptcache.Config{Next: out})
	before := heap()
	at := time.Now()
	for i := range 100_000 {
		c.Observe(turn(i, 1, at.Add(time.Duration(i)*time.Millisecond)))
	}
	held := int(heap() - before)
	if c.Bytes() > promptcache.DefaultBytes || c.Bytes() < promptcache.DefaultBytes*9/10 {
		t.Errorf("%d bytes booked, the bound is %d", c.Bytes(), promptcache.DefaultBytes)
	}
	if held > promptcache.DefaultBytes*5/4 {
		t.Errorf("%d bytes of heap, %d booked", held, c.Bytes())
	}
	t.Logf("100,000 conversations: %.1f MiB of heap, %.1f MiB booked", float64(held)/(1<<20), float64(c.Bytes())/(1<<20))
	missed := turn(99_999, 2, at.Add(102*time.Second))
	missed.Usage.CacheRead.N = 0
	if c.Observe(missed); out.misses != 1 {
		t.Errorf("%d misses, want that of the newest conversation", out.misses)
	}
	c.Observe(turn(1, 1, at.Add(3*time.Hour)))
	if c.Bytes() > 1000 {
		t.Errorf("%d bytes booked after all have expired", c.Bytes())
	}
	runtime.KeepAlive(c)
}

// TestOneGreetingOfManyIsNoList that every request would have to walk.
func TestOneGreetingOfManyIsNoList(t *testing.T) {
	c := promptcache.New(promptcache.Config{Next: new(nowhere), Bytes: 100_000})
	at := time.Now()
	for i := range 10_000 {
		r := turn(7, 1, at.Add(time.Duration(i)*time.Millisecond))
		r.Prefix.Prompt.System = exchange.Fingerprint(i)
		c.Observe(r)
	}
	if c.Bytes() > 100_000 {
		t.Errorf("%d bytes", c.Bytes())
	}
}

// TestOnlyAnswersToApplicationsAreCompared: canaries repeat or vary their prompts on purpose, and
// an embedding has no conversation.
func TestOnlyAnswersToApplicationsAreCompared(t *testing.T) {
	for _, tt := range []struct {
		name      string
		origin    exchange.Origin
		operation exchange.Operation
		want      int
	}{
		{"an answer", exchange.App, exchange.Chat, 1},
		{"a canary", exchange.Canary, exchange.Chat, 0},
		{"an embedding of messages", exchange.App, exchange.Embeddings, 0},
	} {
		out := new(nowhere)
		c := promptcache.New(promptcache.Config{Next: out})
		at := time.Now()
		for n, cached := range []int64{4000, 0} {
			r := turn(1, 1, at.Add(time.Duration(n)*time.Second))
			r.Origin, r.Operation, r.Usage.CacheRead.N = tt.origin, tt.operation, cached
			c.Observe(r)
		}
		if out.misses != tt.want {
			t.Errorf("%s: %d misses, want %d", tt.name, out.misses, tt.want)
		}
	}
}

// BenchmarkExchange is what the stage costs at the end of an exchange, by the messages of its
// prompt: one that goes on with a known conversation.
func BenchmarkExchange(b *testing.B) {
	for _, messages := range []int{10, 200, 2000} {
		b.Run(fmt.Sprintf("messages=%d", messages), func(b *testing.B) {
			c := promptcache.New(promptcache.Config{Next: new(nowhere)})
			records := make([]exchange.Record, 500)
			for i := range records {
				records[i] = turn(i, messages/2, time.Now())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := records[i%len(records)]
				r.Start = r.Start.Add(time.Duration(i) * time.Microsecond)
				c.Observe(r)
			}
		})
	}
}
