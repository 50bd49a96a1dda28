package spans_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// A collector that stands still must not stop the goroutines that observe: only the
// Builder's own goroutine calls Send.
func TestWhoObservesNeverEncodes(t *testing.T) {
	const size, bound, n = 4, 8, 1000
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		first := true
		going := make(chan struct{})
		b := spans.New(spans.Config{MaxBatch: size, MaxWaiting: bound, Linger: time.Hour, Send: func(payload []byte, items int) {
			if first {
				<-going
				first = false
			}
			r.send(payload, items)
		}})
		for range size {
			b.Observe(plain())
		}
		synctest.Wait() // it is in Send now
		for i := range n {
			s := plain()
			s.Start = s.Start.Add(time.Duration(i) * time.Millisecond)
			b.Observe(s)
		}
		if got := b.Dropped(); got != n-size*bound {
			t.Errorf("%d dropped, want %d", got, n-size*bound)
		}
		close(going)
		b.Close()
		all := readAll(r.received(t))
		if len(all) != size+size*bound {
			t.Fatalf("%d spans sent", len(all))
		}
		for i, s := range all[size:] { // the oldest are gone
			if want := time.Duration(n-size*bound+i) * time.Millisecond; s.start != want {
				t.Fatalf("span %d began at %v, want %v", i, s.start, want)
			}
		}
	})
}

func TestFlushDropsNothing(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{MaxBatch: 1, Linger: time.Hour, Send: r.send})
	const n = 200
	for i := range n {
		a := failed()
		a.Attempt.Chain = exchange.ChainID(i + 1)
		a.Engine = exchange.Engine{Queue: exchange.Took(1), Prefill: exchange.Took(1), Decode: exchange.Took(1)}
		b.Observe(a)
	}
	b.Close()
	if got := len(r.received(t)); got != 4*n || b.Dropped() != 0 {
		t.Errorf("%d spans, %d dropped", got, b.Dropped())
	}
}

// broken is r with a model whose text cannot be read.
func broken(r exchange.Record) exchange.Record {
	name := struct {
		data unsafe.Pointer
		size int
	}{nil, 5}
	r.Model.Request = *(*string)(unsafe.Pointer(&name))
	return r
}

// panicked says whether do panicked, as the relay would notice.
func panicked(do func()) (did bool) {
	defer func() { did = recover() != nil }()
	do()
	return false
}

func TestAPanicIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send})
		b.Observe(plain())
		if !panicked(func() { b.Observe(broken(plain())) }) {
			t.Fatal("no panic")
		}
		b.Observe(stream(3, 1))

		b.Observe(broken(failed())) // held, and written by the Builder's own goroutine
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		b.Observe(plain())
		b.Close()
		var got []string
		for _, s := range readAll(r.received(t)) {
			got = append(got, s.name)
		}
		if want := slices.Repeat([]string{"chat gpt-4o-mini"}, 3); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if b.Dropped() != 1 {
			t.Errorf("%d dropped", b.Dropped())
		}
	})
}

// An exchange that is kept for its stall shows the stall, however headway knows of it.
func TestASpanKeptForAStallHasOne(t *testing.T) {
	for name, change := range map[string]func(*exchange.Record){
		"between chunks": func(r *exchange.Record) {
			r.Chunks.Add(exchange.Chunk{At: r.Timing.LastToken + time.Second})
		},
		"of the upstream alone": func(r *exchange.Record) { r.Clocks.Upstream.Longest = 5 * time.Second },
		"before the first token": func(r *exchange.Record) {
			r.Timing.FirstChunk, r.Clocks.Upstream.Longest = 1, r.Timing.FirstToken+time.Second
		},
		"where nothing is read": func(r *exchange.Record) {
			r.Chunks, r.Timing.FirstToken, r.Timing.LastToken = exchange.Chunks{}, 0, 0
			r.Clocks.Upstream.Longest = exchange.StallFrom
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := stream(5, 1)
			change(&r)
			all := readAll(built(t, spans.Config{}, func(b *spans.Builder) { sampling.New(sampling.Config{Next: b}).Observe(r) }))
			if len(all) != 1 || all[0].attrs["headway.sampling.reason"] != "stall" {
				t.Fatalf("%+v", all)
			}
			is := func(h happening) bool { return h.name == "headway.stall" }
			if !slices.ContainsFunc(all[0].events, is) {
				t.Errorf("events %+v", all[0].events)
			}
			if !slices.IsSortedFunc(all[0].events, func(a, b happening) int { return int(a.at - b.at) }) {
				t.Errorf("out of order: %+v", all[0].events)
			}
		})
	}
}
