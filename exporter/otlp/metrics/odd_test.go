package metrics_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// waits is how many waits for a token the Exporter recorded.
func waits(t *testing.T, to *collector) uint64 {
	t.Helper()
	return to.last()["headway.inter_token_latency"].Histogram().DataPoints().At(0).Count()
}

// burst is a stream whose second and last chunk has so many tokens.
func burst(tokens, bytes int) exchange.Record {
	r := exchangetest.Stream(1)
	at := r.Timing.LastToken + 20*time.Millisecond
	r.Chunks.Add(exchange.Chunk{At: at, Tokens: tokens, Bytes: bytes})
	r.Timing.LastToken = at
	return r
}

func TestALongAnswerInOnePieceIsRecordedWhole(t *testing.T) {
	e, to := newExporter(t, metrics.Config{})
	e.Observe(burst(10_000, 40_000))
	shutdown(t, e)
	if n := waits(t, to); n != 10_000 || e.Dropped() != 0 {
		t.Errorf("%d of 10000 waits, %d dropped", n, e.Dropped())
	}
}

func TestAnyNumberOfTokensCostsTheSame(t *testing.T) {
	e, to := newExporter(t, metrics.Config{})
	e.Observe(burst(1<<53-3, 5)) // one by one they would take a century
	e.Observe(exchangetest.Stream(3))
	shutdown(t, e)
	if n := waits(t, to); n != 1<<53-1 || e.Dropped() != 0 {
		t.Errorf("%d waits, %d dropped; want all 2^53-1", n, e.Dropped())
	}
	if n := to.last()["headway.requests"].Sum().DataPoints().At(0).IntValue(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestAPanicCostsOneExchange(t *testing.T) {
	l, calls := live(), 0
	l.SLOs = func() []exporter.SLO {
		if calls++; calls == 1 {
			panic("a fault")
		}
		return nil
	}
	e, to := newExporter(t, metrics.Config{Live: l, Interval: time.Hour})
	e.Observe(full(exchange.Client))
	e.Observe(full(exchange.Client))
	e.ObserveChain(exchangetest.Recovered(full(exchange.Client)))
	shutdown(t, e)
	if n := to.last()["headway.chains"].Sum().DataPoints().At(0).IntValue(); n != 1 || e.Dropped() != 1 {
		t.Errorf("%d chains, %d dropped; want one of each", n, e.Dropped())
	}
	if points(to.last()["headway.slo.requests"]) == nil {
		t.Error("the second exchange was not recorded to its end")
	}
}

// unwired is a program that is not yet put together: whoever reads it waits.
func unwired(t *testing.T) (l exporter.Live, wire func()) {
	t.Helper()
	wired := make(chan struct{})
	l = live()
	l.ChainsOpen = func() int {
		<-wired
		return 4
	}
	return l, func() { close(wired) }
}

// inTime fails the test if call does not return for long.
func inTime(t *testing.T, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for what is not there yet")
	}
}

// nothing reads a program that has no level.
func nothing(*exporter.Live, *exporter.Names, exporter.Level) {}

func TestWhatCannotBeMadeIsReportedThoughTheProgramIsNotThereYet(t *testing.T) {
	l, wire := unwired(t)
	defer wire()
	table := append(exporter.Table(""), exporter.Instrument{Name: "no name", Kind: exporter.Counter, Unit: "s", Read: nothing})
	c := metrics.Config{Live: l, Names: exporter.NewNames(1, 1), Send: func([]byte, int) {}}
	inTime(t, func() {
		if _, err := metrics.NewOf(table, c); err == nil {
			t.Error("an instrument was made that has no proper name")
		}
	})
}

// No instrument reads the program before all are made. The SDK makes none while it
// collects, and here it collects all the time.
func TestTheProgramIsNotAskedBeforeAllInstrumentsAreMade(t *testing.T) {
	l, wire := unwired(t)
	table := slices.Repeat(exporter.Table(""), 30) // so that it collects before all are made
	for i := range table {
		table[i].Name += strconv.Itoa(i)
	}
	c := metrics.Config{Live: l, Names: exporter.NewNames(1, 1), Interval: 100 * time.Microsecond, Send: func([]byte, int) {}}
	inTime(t, func() {
		e, err := metrics.NewOf(table, c)
		if err != nil {
			t.Error(err)
			return
		}
		wire()
		shutdown(t, e)
	})
}
