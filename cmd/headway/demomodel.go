package main

import (
	"math"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// demoRetries is the number of retries of the demo's application for a failed call, the
// same as in the SDKs.
const demoRetries = 2

// demoCanaries bounds the canaries of a minute.
const demoCanaries = 40

// demoFaults are the faults of a demo that just began. The FAULT default restores them.
const demoFaults = "stall=1s@12:0.03,cut@20:0.002,error@15:0.002,http=500:0.004"

// demoAgent is the User-Agent of the demo's application. headway knows that this SDK comes
// again soon or not at all, so a call that failed is over within 13 seconds.
const demoAgent = "OpenAI/JS 6.9.1"

// demoModel is a model server that is busy enough to be worth watching: it drafts
// tokens, limits its users, and sometimes fails. The calls of an outage, with all their
// retries, stay below the rate limit. Otherwise calls would keep failing after the
// outage, because of the limit.
func demoModel(o demoOptions) modelsim.Config {
	c := modelsim.DefaultConfig()
	c.Models = []string{"sim-medium"}
	c.Seed = o.seed
	c.DraftTokens, c.DraftAcceptance = 3, 0.4
	makeRoom(&c)
	c.RequestsPerMinute = int(math.Ceil(o.rps*60*1.2*(1+demoRetries))) + demoCanaries
	c.KeepExchanges = max(c.KeepExchanges, c.RequestsPerMinute)
	rules, err := modelsim.ParseFaultRules(demoFaults)
	if err == nil { // the list is a constant, and a test parses it
		c.Faults = rules
	}
	return c
}

// demoTraffic is the application. Its attempts carry trace contexts, by which the model
// server's own notes of an exchange are found, and the limits that the application wants kept.
func demoTraffic(o demoOptions, address string) modelsim.Traffic {
	return modelsim.Traffic{
		BaseURL: "http://" + address + "/v1", RPS: o.rps, Seed: o.seed, Model: "sim-medium", UserAgent: demoAgent,
		LeaveShare: 0.03, MaxRetries: demoRetries, Traced: true,
		Header: http.Header{"X-Llm-D-Slo-Ttft-Ms": {"1000"}, "X-Llm-D-Slo-Tpot-Ms": {"150"}},
	}
}

// truth returns a function for live.View.Truth that reads the notes of sim.
func truth(sim *modelsim.Server) func(span string) (live.Truth, bool) {
	return func(span string) (live.Truth, bool) {
		x, ok := sim.ExchangeOf(span)
		if !ok || x.Outcome != modelsim.OutcomeOK || x.EndAt == 0 {
			return live.Truth{}, false
		}
		return truthOf(&x), true
	}
}

// truthOf is what the simulator knows of an exchange that it answered.
func truthOf(x *modelsim.Exchange) live.Truth {
	t := live.Truth{E2E: time.Duration(x.EndAt - x.ReceivedAt)}
	if x.Operation != string(exchange.Embeddings) {
		t.Output = exchange.Known(int64(x.OutputTokens))
	}
	if !x.Stream {
		return t
	}
	t.TTFT, t.TPOT = x.TTFT(), x.TPOT()
	for i, wait := range x.Gaps() {
		t.Gaps = append(t.Gaps, exchange.Gap{Wait: wait, Tokens: x.Chunks[i+1].Tokens})
	}
	return t
}
