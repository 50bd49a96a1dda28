package spans_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// hedged are two attempts of one call that were under way together. The client took
// the answer of the second, and left the first.
func hedged(j *chain.Joiner) (two [2]exchange.Record) {
	for k := range two {
		r := stream(5, k)
		r.Span.ID[7] = byte(k + 1)
		r.Start = time.Now()
		r.Call = exchange.Call{Request: 9, Conversation: 9, ID: 9, IDSource: sdk.IdempotencyKey}
		r.Attempt = j.Begin(r)
		two[k] = r
	}
	two[0].Outcome, two[0].ErrorType = exchange.ClientGone, exchange.ErrCanceled
	return two
}

// family checks that these are a chain's span and its n attempts below it.
func family(t *testing.T, all []span, n int) {
	t.Helper()
	var over span
	for _, s := range all {
		if s.attrs["headway.chain.attempts"] != nil {
			over = s
		}
	}
	if len(all) != n+1 || over.id == "" {
		t.Fatalf("%d spans, the chain's is %q", len(all), over.id)
	}
	for _, s := range all {
		if s.id != over.id && (s.parent != over.id || s.trace != over.trace || s.links != nil) {
			t.Errorf("attempt %v is not below its chain", s.attrs["headway.chain.attempt"])
		}
	}
}

func TestAttemptsMayEndInAnyOrder(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		family(t, readAll(built(t, spans.Config{}, func(b *spans.Builder) {
			j := chain.New(chain.Config{Next: sampling.New(sampling.Config{Ratio: 1, Next: b}), Exported: true})
			two := hedged(j)
			for _, k := range order {
				j.Observe(two[k])
			}
			j.Close()
		})), 2)
	}
}

func TestAnAttemptThatEndsItsChainAloneIsOneSpan(t *testing.T) {
	for outcome, of := range map[exchange.ChainOutcome]exchange.Outcome{
		exchange.Exhausted: exchange.HTTPError, exchange.Abandoned: exchange.ClientGone, exchange.FirstTry: exchange.OK,
	} {
		r := plain()
		r.Outcome, r.Attempt.Outcome, r.Attempt.Chain = of, outcome, chainNumber
		c := exchange.Chain{ID: chainNumber, Outcome: outcome, Attempts: 1, Last: r}
		all := chained(t, c, r)
		if len(all) != 1 || all[0].id != ownSpan || all[0].parent != "" || all[0].attrs["headway.chain.outcome"] != outcomeTold(outcome) {
			t.Errorf("%s: %+v", outcome, all)
		}
	}
}

// outcomeTold is the attribute: the usual outcome is left out.
func outcomeTold(o exchange.ChainOutcome) any {
	if o == exchange.FirstTry {
		return nil
	}
	return string(o)
}

// The goroutine of the last attempt ends the chain. Another goroutine may end another
// attempt later than that.
func TestAnAttemptMayComeAfterItsChain(t *testing.T) {
	const other = "1122334455667788"
	t.Run("below it", func(t *testing.T) {
		family(t, late(t, recovered(), retried(), failed()), 2)
	})
	t.Run("before any other", func(t *testing.T) {
		second := retried()
		second.Sampling = exchange.Sampling{}
		family(t, late(t, recovered(), second, failed()), 1)
	})
	t.Run("all of three", func(t *testing.T) {
		c, third := recovered(), retried()
		c.Attempts, third.Attempt.Number, third.Span.ID = 3, 3, exchange.SpanID{3}
		family(t, late(t, c, third, failed(), retried()), 3)
	})
	t.Run("of another span of the client", func(t *testing.T) {
		all := late(t, recovered(), below(retried(), clientSpan), below(failed(), other))
		if len(all) != 3 || all[1].parent != all[0].id || all[2].parent != other || len(all[2].links) != 1 || all[2].links[0] != all[0].trace+"/"+all[0].id {
			t.Errorf("%+v", all)
		}
	})
	t.Run("of one", func(t *testing.T) {
		c := recovered()
		c.Attempts, c.Outcome, c.Late = 1, exchange.Exhausted, true
		unsampled := retried()
		unsampled.Sampling = exchange.Sampling{}
		all := late(t, c, unsampled, failed())
		if len(all) != 1 || all[0].parent != "" || all[0].attrs["headway.chain.outcome"] != "exhausted" {
			t.Errorf("%+v", all)
		}
	})
}

// late returns the spans that are sent without a Flush if c ends between its last attempt
// and others.
func late(t *testing.T, c exchange.Chain, last exchange.Record, others ...exchange.Record) (all []span) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send})
		b.Observe(last)
		b.ObserveChain(c)
		for _, o := range others {
			b.Observe(o)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		all = readAll(r.received(t))
		b.Close()
		if n := len(r.received(t)); n != len(all) {
			t.Errorf("%d spans waited for the end", n-len(all))
		}
	})
	return all
}

func TestAnAttemptWhoseChainNeverEndsIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send})
		defer b.Close()
		b.Observe(failed())
		time.Sleep(time.Hour) // as long as a chain may go on
		synctest.Wait()
		if got := r.sizes(); got != nil {
			t.Errorf("sent %v while the chain may go on", got)
		}
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if got := r.sizes(); len(got) != 1 || got[0] != 1 {
			t.Errorf("sent %v", got)
		}
	})
}

func TestALongChainIsWrittenWithoutAFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		b := spans.New(spans.Config{Send: r.send})
		defer b.Close()
		const n = 300
		c := recovered()
		for i := range n {
			a := failed()
			a.Attempt.Number, a.Span.ID = i+1, exchange.SpanID{1, 6: byte(i >> 8), 7: byte(i)}
			b.Observe(a)
		}
		c.Attempts = n
		b.ObserveChain(c)
		time.Sleep(time.Second)
		synctest.Wait()
		family(t, readAll(r.received(t)), n)
	})
}
