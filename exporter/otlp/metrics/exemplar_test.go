package metrics_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestExemplarsAreOfKeptTracesOnly(t *testing.T) {
	for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
		t.Run(string(aggregation), func(t *testing.T) {
			e, to := newExporter(t, metrics.Config{Aggregation: aggregation})
			e.Observe(exchangetest.Stream(4))
			dropped := kept(exchangetest.Stream(5))
			dropped.Sampling.Kept = false
			e.Observe(dropped)
			flush(t, e)
			for name, m := range to.last() {
				for _, p := range points(m) {
					if p.exemplars.Len() > 0 {
						t.Errorf("%s has an exemplar of a trace that is not kept", name)
					}
				}
			}
			r := kept(exchangetest.Stream(4))
			e.Observe(r)
			e.ObserveChain(exchangetest.Recovered(r))
			shutdown(t, e)
			for _, name := range []string{
				"gen_ai.client.operation.duration", "gen_ai.client.operation.time_per_output_chunk", "headway.inter_token_latency",
				"headway.chain.duration",
			} {
				p := points(to.last()[name])[0].exemplars
				if p.Len() != 1 {
					t.Errorf("%s has %d exemplars, want 1", name, p.Len())
					continue
				}
				if x := p.At(0); [16]byte(x.TraceID()) != [16]byte(r.Span.Trace) || [8]byte(x.SpanID()) != [8]byte(r.Span.ID) || x.Timestamp() == 0 {
					t.Errorf("%s points to %s %s at %v, want %s %s", name, x.TraceID(), x.SpanID(), x.Timestamp(), r.Span.Trace, r.Span.ID)
				}
			}
			gap := points(to.last()["gen_ai.client.operation.time_per_output_chunk"])[0].exemplars.At(0)
			if gap.DoubleValue() != .0195 {
				t.Errorf("the exemplar is a gap of %v s, want the longest, .0195", gap.DoubleValue())
			}
			if x := points(to.last()["headway.requests"])[0].exemplars; x.Len() > 0 {
				t.Errorf("a counter has %d exemplars", x.Len())
			}
		})
	}
}
