package spans_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestARequestNamesItsSource(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{
		Version: benchVersion, Send: r.send, Resource: map[string]string{"service.name": "shop", "k8s.pod.name": "shop-0"},
	})
	b.Observe(plain())
	b.Close()
	resource := decoded(t, r.payloads[0]).ResourceSpans().At(0)
	if got := fmt.Sprint(resource.Resource().Attributes().AsRaw()); got != "map[k8s.pod.name:shop-0 service.name:shop]" {
		t.Error(got)
	}
	of := resource.ScopeSpans().At(0)
	if of.Scope().Name() != "github.com/headway-sidecar/headway" || of.Scope().Version() != benchVersion || of.SchemaUrl() != "https://opentelemetry.io/schemas/1.41.0" {
		t.Errorf("%s %s %s", of.Scope().Name(), of.Scope().Version(), of.SchemaUrl())
	}
}

func TestAFullBatchIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send, MaxBatch: 3, Linger: time.Hour})
		for range 7 {
			b.Observe(plain())
		}
		synctest.Wait()
		if got := r.sizes(); !slices.Equal(got, []int{3, 3}) {
			t.Errorf("sent %v", got)
		}
		b.Close()
		if got := r.sizes(); !slices.Equal(got, []int{3, 3, 1}) {
			t.Errorf("sent %v", got)
		}
	})
}

func TestASpanLingersNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send, MaxBatch: 3, Linger: 100 * time.Millisecond})
		defer b.Close()
		pause := func(d time.Duration, want ...int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := r.sizes(); !slices.Equal(got, want) {
				t.Errorf("sent %v, want %v", got, want)
			}
		}
		b.Observe(plain())
		pause(99 * time.Millisecond)
		b.Observe(plain())
		pause(time.Millisecond, 2)
		pause(time.Hour, 2)
		for range 4 { // one more than fit
			b.Observe(plain())
		}
		pause(50*time.Millisecond, 2, 3)
		pause(50*time.Millisecond, 2, 3, 1)
	})
}

func TestFlushSendsWhatWaits(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, Linger: time.Hour})
	b.Observe(plain())
	b.Observe(failed())
	b.Flush()
	if got := r.sizes(); !slices.Equal(got, []int{2}) {
		t.Errorf("sent %v", got)
	}
	b.Close()
	b.Close()
	b.Observe(plain())
	b.Flush()
	if got := r.sizes(); !slices.Equal(got, []int{2}) {
		t.Errorf("sent %v after it was closed", got)
	}
}

// The Builder uses batches again. A span must show nothing of the span before it.
func TestNothingIsLeftOfFormerSpans(t *testing.T) {
	broken := quick()
	broken.Outcome, broken.ErrorType = exchange.StreamError, exchange.ErrUpstreamEvent
	kinds := []exchange.Record{plain(), stream(128, 1), broken, traced(quick()), stream(3, 2), failedAlone()}
	want := make([][]byte, len(kinds))
	for i, r := range kinds {
		var alone receiver
		b := spans.New(spans.Config{Send: alone.send, Linger: time.Hour})
		b.Observe(r)
		b.ObserveChain(exchange.Chain{ID: r.Attempt.Chain, Outcome: r.Attempt.Outcome, Attempts: 1})
		b.Close()
		want[i] = alone.payloads[0]
	}
	for _, size := range []int{1, 2, 5} {
		var r receiver
		b := spans.New(spans.Config{Send: r.send, MaxBatch: size, Linger: time.Hour, MaxWaiting: 2000})
		var order []int
		draw := rand.New(rand.NewPCG(6, uint64(size)))
		for i := range 2000 {
			kind := draw.IntN(len(kinds))
			order = append(order, kind)
			b.Observe(kinds[kind])
			b.ObserveChain(exchange.Chain{ID: kinds[kind].Attempt.Chain, Outcome: kinds[kind].Attempt.Outcome, Attempts: 1})
			if i%13 == 1 {
				b.Flush()
			}
		}
		b.Close()
		at := 0
		for _, payload := range r.payloads {
			traces := decoded(t, payload)
			list := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
			for i := range list.Len() {
				wanted := decoded(t, want[order[at]]).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
				if got, want := fmt.Sprintf("%+v", read(list.At(i))), fmt.Sprintf("%+v", read(wanted)); got != want {
					t.Fatalf("batches of %d, span %d:\ngot  %s\nwant %s", size, at, got, want)
				}
				at++
			}
		}
		if at != len(order) {
			t.Errorf("%d spans of %d", at, len(order))
		}
	}
}

func TestNoLinkIsLeftOfFormerSpans(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, MaxBatch: 3, Linger: time.Hour})
	for range 6 { // more than there are batches to be used again
		b.Observe(failed())
		b.Observe(below(retried(), clientSpan))
		b.ObserveChain(recovered())
		b.Flush()
	}
	for range 18 {
		b.Observe(plain())
	}
	b.Close()
	linked := 0
	for i, s := range r.received(t) {
		linked += s.Links().Len()
		if i >= 18 && s.Links().Len() > 0 {
			t.Fatalf("span %d: %d links", i, s.Links().Len())
		}
	}
	if linked != 12 {
		t.Errorf("%d links", linked)
	}
}

func failedAlone() exchange.Record {
	r := failed()
	r.Attempt.Outcome = exchange.Exhausted
	return r
}

func TestManyMayObserveAtOnce(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, MaxBatch: 7, MaxHeld: 20, MaxWaiting: 10_000, Linger: time.Millisecond})
	var all sync.WaitGroup
	const each = 200
	for g := range 8 {
		all.Go(func() {
			for i := range each {
				first, second, c := failed(), retried(), recovered()
				c.ID = exchange.ChainID(g*each + i + 1)
				first.Attempt.Chain, second.Attempt.Chain = c.ID, c.ID
				b.Observe(first)
				b.Observe(stream(10, i))
				b.Observe(second)
				b.ObserveChain(c)
			}
			b.Flush()
		})
	}
	all.Wait()
	b.Close()
	seen := map[string]int{}
	for _, s := range r.received(t) {
		if v, has := s.Attributes().Get("headway.token_offsets_ms"); has {
			if _, err := spans.Offsets(v.Str()); err != nil {
				t.Fatal(err)
			}
		}
		if v, has := s.Attributes().Get("headway.chain.attempt"); has {
			seen[v.AsString()]++
		} else if _, has := s.Attributes().Get("headway.chain.attempts"); !has {
			seen["alone"]++
		}
	}
	if want := 8 * each; seen["1"] != want || seen["2"] != want || seen["alone"] != want {
		t.Errorf("%v, want %d of each", seen, want)
	}
}

func TestPayloadsBelongToWhoTakesThem(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, MaxBatch: 2, Linger: time.Hour})
	for i := range 2 {
		b.Observe(stream(20, i))
	}
	b.Flush()
	kept := bytes.Clone(r.payloads[0])
	for i := range 20 {
		b.Observe(stream(20, i+5))
	}
	b.Close()
	if !bytes.Equal(kept, r.payloads[0]) {
		t.Error("a payload changed after it was sent")
	}
}
