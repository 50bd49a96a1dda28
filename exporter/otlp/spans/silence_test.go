package spans_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// A span says how often its stream was silent, and how long at most.
func TestSpanTellsSilences(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      exchange.Record
		count   any
		longest any
	}{
		{"a stream that was silent for 40 s and then cut", exchangetest.Silent(), int64(1), 40.0},
		{"a stream that flowed", exchangetest.Stream(4), nil, nil},
	} {
		tt.in.Sampling = exchange.Sampling{Kept: true, Reason: "error"}
		all := readAll(built(t, spans.Config{}, func(b *spans.Builder) { b.Observe(tt.in) }))
		if len(all) != 1 || all[0].attrs["headway.silence.count"] != tt.count || all[0].attrs["headway.silence.longest"] != tt.longest {
			t.Errorf("%s: %+v", tt.name, all)
		}
	}
}
