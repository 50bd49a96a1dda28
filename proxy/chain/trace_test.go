package chain_test

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// spanned has a span that one byte names, in a trace of its own that it names, too.
func spanned(b byte) change {
	return func(r *exchange.Record) {
		r.Span = exchange.Span{Trace: traceOf(b), ID: exchange.SpanID(bytes.Repeat([]byte{b}, 8))}
	}
}

func traceOf(b byte) exchange.TraceID { return exchange.TraceID(bytes.Repeat([]byte{b}, 16)) }

func toldUp(r *exchange.Record) { r.Span.Told = true }

func TestAttemptsShareATrace(t *testing.T) {
	for _, tt := range []struct {
		name          string
		first, second change
		want          byte // of the second's trace
		told          bool
	}{
		{"of the first", spanned(1), spanned(2), 1, false},
		{"of the first, which was the client's", traced("a"), spanned(2), 0xaa, false},
		{"that the client keeps", traced("a"), traced("a"), 0xaa, false},
		{"but not one that the client brings", spanned(1), traced("b"), 0xbb, false},
		{"but not one that the upstream knows", spanned(1), func(r *exchange.Record) { spanned(2)(r); toldUp(r) }, 2, true},
		{"that an upstream knows of the first", func(r *exchange.Record) { spanned(1)(r); toldUp(r) }, spanned(2), 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{}, func(t *testing.T, s *stage) {
				first := s.try(100*ms, failed(500), tt.first).Span
				time.Sleep(time.Second)
				end := s.begin(tt.second)
				own := exchange.Record{}
				tt.second(&own)
				r := end(failed(500))
				if r.Attempt.Number != 2 || r.Span != (exchange.Span{Trace: traceOf(tt.want), ID: own.Span.ID, Told: tt.told}) {
					t.Errorf("attempt %d has span %+v after %+v", r.Attempt.Number, r.Span, first)
				}
				time.Sleep(10 * time.Minute)
				c := s.chains()
				if len(c) != 1 || !c[0].Late || c[0].Last.Span != (exchange.Span{Trace: traceOf(tt.want), Told: tt.told}) {
					t.Errorf("closed late as %+v", c)
				}
			})
		})
	}
}

func TestAttemptThatIsGivenAChainOfItsOwnKeepsItsTrace(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		s.try(100*ms, failed(500), retry(0), spanned(1))
		time.Sleep(time.Second)
		guessed := s.begin(spanned(2))
		time.Sleep(ms)
		counted := s.begin(retry(1), spanned(3))
		if r := guessed(good(ms)); r.Span.Trace != traceOf(2) || r.Attempt.Number != 1 {
			t.Errorf("attempt %d of its own chain has span %+v", r.Attempt.Number, r.Span)
		}
		if r := counted(good(ms)); r.Span.Trace != traceOf(1) || r.Attempt.Number != 2 {
			t.Errorf("attempt %d that is numbered has span %+v", r.Attempt.Number, r.Span)
		}
	})
}

func TestOneTraceMakesNoRetry(t *testing.T) {
	for _, tt := range []struct {
		name string
		next change
	}{
		{"of another question", asking(7, 8)},
		{"of a question that cannot be told", asking(0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{}, func(t *testing.T, s *stage) {
				s.try(100*ms, failed(500), traced("a"))
				time.Sleep(time.Second)
				if r := s.try(100*ms, good(ms), traced("a"), tt.next); r.Attempt.Number != 1 {
					t.Errorf("joined by %s", r.Attempt.JoinedBy)
				}
			})
		})
	}
	t.Run("of an answered question", func(t *testing.T) {
		on(t, chain.Config{}, func(t *testing.T, s *stage) {
			s.try(100*ms, good(ms), traced("a"))
			if r := s.try(100*ms, good(ms), traced("a")); r.Attempt.Number != 1 {
				t.Errorf("joined by %s", r.Attempt.JoinedBy)
			}
		})
	})
	t.Run("of headway's own", func(t *testing.T) {
		on(t, chain.Config{}, func(t *testing.T, s *stage) {
			s.try(100*ms, failed(500), spanned(1))
			time.Sleep(time.Second)
			if r := s.try(100*ms, good(ms), spanned(1)); r.Attempt.JoinedBy != "fingerprint" {
				t.Errorf("joined by %q", r.Attempt.JoinedBy)
			}
		})
	})
}

func TestB3JoinsAsTraceparentDoes(t *testing.T) {
	const trace, other = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
	for _, tt := range []struct{ name, first, second, joinedBy string }{
		{"same trace", trace + "-00f067aa0ba902b7-1", trace + "-b7ad6b7169203331-1", "traceparent"},
		{"another trace", trace + "-00f067aa0ba902b7-1", other + "-00f067aa0ba902b7-1", ""},
		{"no trace", "0", "0", "fingerprint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tries atomic.Int32
			s, url := behindProxy(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if tries.Add(1) == 1 {
					w.Header().Set("retry-after-ms", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				}
			})
			post(t.Context(), t, url, "b3", tt.first)
			post(t.Context(), t, url, "b3", tt.second)
			if got := s.firstOver(t).Last; got.Attempt.JoinedBy != tt.joinedBy || got.Span.ID == (exchange.SpanID{}) {
				t.Errorf("joined by %q, span %+v", got.Attempt.JoinedBy, got.Span)
			}
		})
	}
}

func TestChainsNameATraceThatCanBeLookedUp(t *testing.T) {
	for _, tt := range []struct {
		name     string
		exported bool
		change   change
		want     string
	}{
		{"nobody knows of it", false, spanned(1), ""},
		{"the client does", false, traced("a"), traceOf(0xaa).String()},
		{"the upstream does", false, func(r *exchange.Record) { spanned(1)(r); toldUp(r) }, traceOf(1).String()},
		{"it is exported", true, spanned(1), traceOf(1).String()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{Exported: tt.exported}, func(t *testing.T, s *stage) {
				s.try(100*ms, failed(500), tt.change)
				open := s.joiner.Chains(1)
				time.Sleep(10 * time.Minute)
				over := s.joiner.Chains(1)
				if open[0].TraceID != tt.want || over[0].TraceID != tt.want || over[0].Open {
					t.Errorf("open %q, over %q, want %q", open[0].TraceID, over[0].TraceID, tt.want)
				}
			})
		})
	}
}
