package metrics_test

import (
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestWhatIsShutDownFlushesTheRestAndDropsWhatComesLater(t *testing.T) {
	e, to := newExporter(t, metrics.Config{Interval: time.Hour})
	for range 500 {
		e.Observe(exchangetest.Stream(3))
	}
	shutdown(t, e)
	if n := to.last()["headway.requests"].Sum().DataPoints().At(0).IntValue(); n != 500 || e.Dropped() != 0 {
		t.Errorf("%d requests, %d dropped", n, e.Dropped())
	}
	e.Observe(exchangetest.Stream(3))
	e.ObserveChain(exchangetest.Recovered(exchangetest.Stream(3)))
	if e.Dropped() != 2 {
		t.Errorf("%d dropped, want 2", e.Dropped())
	}
	if err := e.ForceFlush(t.Context()); err == nil {
		t.Error("an exporter that was shut down flushed")
	}
	if err := e.Shutdown(t.Context()); err == nil {
		t.Error("an exporter was shut down a second time, without a word")
	}
	if n := len(to.all()); n != 1 {
		t.Errorf("%d requests, want the last one only", n)
	}
}

func TestWhatIsFlushedHasAllThatWasObservedBefore(t *testing.T) {
	e, to := newExporter(t, metrics.Config{Interval: time.Hour})
	for i := range int64(20) {
		for range 10 {
			e.Observe(exchangetest.Stream(3))
		}
		flush(t, e)
		if n := to.last()["headway.requests"].Sum().DataPoints().At(0).IntValue(); n != 10*(i+1) {
			t.Fatalf("%d requests of %d", n, 10*(i+1))
		}
	}
	shutdown(t, e)
}

func TestNothingIsLostWhenManyObserve(t *testing.T) {
	e, to := newExporter(t, metrics.Config{Temporality: metrics.Delta})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				e.Observe(exchangetest.Stream(3))
				e.ObserveChain(exchangetest.Recovered(exchangetest.Stream(3)))
			}
		})
		all.Go(func() { _ = e.ForceFlush(t.Context()) })
	}
	all.Wait()
	shutdown(t, e)
	total := map[string]int64{}
	for _, request := range to.all() {
		for _, name := range []string{"headway.requests", "headway.chains"} {
			if m, ok := byName(t, request)[name]; ok {
				total[name] += m.Sum().DataPoints().At(0).IntValue()
			}
		}
	}
	if total["headway.requests"] != 400 || total["headway.chains"] != 400 {
		t.Errorf("%v, want 400 of each", total)
	}
}

// A request that is under way keeps nobody from recording: the exchange is in the next one.
func TestNobodyWaitsForARequest(t *testing.T) {
	under, sent := make(chan struct{}), make(chan struct{})
	e, _ := newExporter(t, metrics.Config{Interval: time.Hour, Send: func([]byte, int) {
		under <- struct{}{}
		<-sent
	}})
	e.Observe(exchangetest.Stream(3))
	flushed := make(chan error, 1)
	go func() { flushed <- e.ForceFlush(t.Context()) }()
	<-under
	inTime(t, func() {
		for range 100 {
			e.Observe(exchangetest.Stream(3))
			e.ObserveChain(exchangetest.Recovered(exchangetest.Plain()))
		}
		e.SetEdges(within(400 * time.Millisecond))
	})
	close(sent)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	go func() { <-under }()
	shutdown(t, e)
	if e.Dropped() != 0 {
		t.Errorf("%d dropped", e.Dropped())
	}
}
