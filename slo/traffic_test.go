package slo_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

func TestAnSLOThatNothingCanMatchIsWarnedOf(t *testing.T) {
	operations := []exchange.Operation{exchange.Chat, exchange.TextCompletion, exchange.Embeddings}
	upstreams := []exchange.Upstream{{Host: "api.openai.com", Port: 443}, {Host: "10.0.0.7", Port: 8000}}
	for _, tt := range []struct {
		name, match string
		seen        slo.Traffic
		want        string // empty is no warning
	}{
		{"an operation of no dialect", "{operation: speech}", slo.Traffic{Operations: operations}, `f:5: slos[0].match.operation: "speech" matches nothing: headway reads no API for it; there are chat, text_completion, embeddings`},
		{"an operation of a dialect", "{operation: embeddings}", slo.Traffic{Operations: operations}, ""},
		{"another upstream", "{upstream: api.opnai.com}", slo.Traffic{Upstreams: upstreams}, `f:5: slos[0].match.upstream: "api.opnai.com" matches nothing: no upstream is configured so; did you mean api.openai.com?`},
		{"another port", "{upstream: \"api.openai.com:8443\"}", slo.Traffic{Upstreams: upstreams}, `"api.openai.com:8443" matches nothing: no upstream is configured so; did you mean api.openai.com`},
		{"an upstream like no other", "{upstream: zebra}", slo.Traffic{Upstreams: upstreams}, `"zebra" matches nothing: no upstream is configured so; there are api.openai.com:443, 10.0.0.7:8000`},
		{"a URL", "{upstream: \"https://api.openai.com\"}", slo.Traffic{Upstreams: upstreams}, `"https://api.openai.com" matches nothing`},
		{"a pattern of no upstream", "{upstream: \"*.anthropic.com\"}", slo.Traffic{Upstreams: upstreams}, `"*.anthropic.com" matches nothing`},
		{"both", "{operation: rerank, upstream: x}", slo.Traffic{Operations: operations, Upstreams: upstreams}, "match.operation"},
		{"an upstream", "{upstream: \"10.0.0.7:8000\"}", slo.Traffic{Upstreams: upstreams}, ""},
		{"a pattern of an upstream", "{upstream: \"*.openai.com\"}", slo.Traffic{Upstreams: upstreams}, ""},
		{"no condition", "{stream: true}", slo.Traffic{Operations: operations, Upstreams: upstreams}, ""},
		{"models of another vendor", "{model: \"claude*\"}", slo.Traffic{Upstreams: upstreams[:1]}, `f:5: slos[0].match.model: "claude*" matches nothing: api.openai.com has no such models; add a route to api.anthropic.com to HEADWAY_ROUTES, or name another model`},
		{"models of another vendor, at a server that may have any", "{model: \"claude*\"}", slo.Traffic{Upstreams: upstreams}, ""},
		{"models of another vendor, at the one server that may not", "{model: \"claude*\", upstream: api.openai.com}", slo.Traffic{Upstreams: upstreams}, `"claude*" matches nothing`},
		{"models of the vendor", "{model: \"gpt-4o*\"}", slo.Traffic{Upstreams: upstreams[:1]}, ""},
		{"models of nobody in particular", "{model: \"*mini*\"}", slo.Traffic{Upstreams: upstreams[:1]}, ""},
		{"models of one of two vendors", "{model: \"gemini-*\"}", slo.Traffic{Upstreams: []exchange.Upstream{{Host: "api.anthropic.com", Port: 443}, {Host: "generativelanguage.googleapis.com", Port: 443}}}, ""},
		{"models of none of two vendors", "{model: \"grok-*\"}", slo.Traffic{Upstreams: []exchange.Upstream{{Host: "api.anthropic.com", Port: 443}, {Host: "API.openai.com", Port: 443}}}, `api.anthropic.com and api.openai.com have no such models`},
		{"an operation of another vendor", "{operation: generate_content}", slo.Traffic{Upstreams: upstreams[:1]}, `"generate_content" matches nothing: api.openai.com has no API for it`},
		{"an operation that Anthropic has not", "{operation: embeddings}", slo.Traffic{Upstreams: []exchange.Upstream{{Host: "api.anthropic.com", Port: 443}}}, `"embeddings" matches nothing: api.anthropic.com has no API for it`},
		{"nothing known about the traffic", "{operation: speech, upstream: x}", slo.Traffic{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, _, err := slo.Parse("f", strings.NewReader(entry("match", tt.match)))
			if err != nil {
				t.Fatal(err)
			}
			got := tt.seen.Unmatched(set)
			if (tt.want == "") != (len(got) == 0) || len(got) > 0 && !strings.Contains(got[0].Error(), tt.want) {
				t.Errorf("warnings %v, want %q", got, tt.want)
			}
		})
	}
}
