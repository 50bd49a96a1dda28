package tap_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestRequestsSetLimitsForThemselves(t *testing.T) {
	fields := append(tap.KnownLimits(), tap.LimitField{Field: "x-deadline-ms", Indicator: exchange.E2E}, tap.LimitField{Field: "x-my-ttft", Indicator: exchange.TTFT})
	ttft := func(d time.Duration) []exchange.RequestLimit {
		return []exchange.RequestLimit{{Indicator: exchange.TTFT, Limit: d}}
	}
	for _, tt := range []struct {
		name      string
		fields    []string
		want      []exchange.RequestLimit
		malformed bool
	}{
		{"none", []string{"X-Tenant", "acme"}, nil, false},
		{"llm-d's", []string{"X-LLM-D-SLO-TTFT-MS", "200", "x-llm-d-slo-tpot-ms", "49.5"}, append(ttft(200*time.Millisecond), exchange.RequestLimit{Indicator: exchange.TPOT, Limit: 49500 * time.Microsecond}), false},
		{"the former name", []string{"x-slo-ttft-ms", "200"}, ttft(200 * time.Millisecond), false},
		{"a configured one", []string{"X-Deadline-Ms", " 30000 "}, []exchange.RequestLimit{{Indicator: exchange.E2E, Limit: 30 * time.Second}}, false},
		{"the smaller of two fields", []string{"x-my-ttft", "150", "x-llm-d-slo-ttft-ms", "200"}, ttft(150 * time.Millisecond), false},
		{"the smaller of two lines", []string{"x-my-ttft", "300", "x-my-ttft", "200"}, ttft(200 * time.Millisecond), false},
		{"a right one beside a wrong one", []string{"x-my-ttft", "soon", "x-llm-d-slo-ttft-ms", "200"}, ttft(200 * time.Millisecond), true},
		{"empty", []string{"x-llm-d-slo-ttft-ms", ""}, nil, true},
		{"zero", []string{"x-llm-d-slo-ttft-ms", "0"}, nil, true},
		{"negative", []string{"x-llm-d-slo-ttft-ms", "-1"}, nil, true},
		{"a unit", []string{"x-llm-d-slo-ttft-ms", "200ms"}, nil, true},
		{"an exponent", []string{"x-llm-d-slo-ttft-ms", "1e3"}, nil, true},
		{"no number", []string{"x-llm-d-slo-ttft-ms", "NaN", "x-slo-ttft-ms", "Inf"}, nil, true},
		{"dots", []string{"x-llm-d-slo-ttft-ms", "1.2.3"}, nil, true},
		{"a day", []string{"x-llm-d-slo-ttft-ms", "86400000"}, ttft(24 * time.Hour), false},
		{"more than a day", []string{"x-llm-d-slo-ttft-ms", "86400001"}, nil, true},
		{"less than a nanosecond", []string{"x-llm-d-slo-ttft-ms", "0.0000001"}, nil, true},
		{"a megabyte", []string{"x-llm-d-slo-ttft-ms", strings.Repeat("9", 1<<20)}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := new(ledger)
			measured := tap.New(tap.Config{Observer: l, Limits: fields})
			measured.Begin(chat(tt.fields...)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
			r := l.only(t)
			if !slices.Equal(r.Limits, tt.want) {
				t.Errorf("limits %+v, want %+v", r.Limits, tt.want)
			}
			noted := 0
			for _, note := range r.Notes {
				if note == "request_limit_malformed" {
					noted++
				}
			}
			if (noted == 1) != tt.malformed || noted > 1 {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}
