package modelsim_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// busy is a server with everything random switched on.
func busy(t *testing.T, seed uint64) modelsim.Config {
	t.Helper()
	rules, err := modelsim.ParseFaultRules("http=503:0.05,stall=300ms@5:0.05,cut@8:0.03,error@6:0.03,garbage@4:0.03,slow-head=200ms:0.03")
	if err != nil {
		t.Fatal(err)
	}
	cfg := modelsim.DefaultConfig()
	cfg.Seed, cfg.Faults = seed, rules
	cfg.MaxRunning, cfg.TokenBudget = 10, 512 // so that requests queue
	cfg.DraftTokens, cfg.DraftAcceptance, cfg.ReasoningShare = 3, 0.6, 0.2
	cfg.TokensPerMinute = 60000
	return cfg
}

// play runs seeded traffic against a busy server for ten virtual seconds, lets what is under
// way end, and returns the ground truth.
func play(t *testing.T, mix modelsim.Mix, serverSeed, trafficSeed uint64) (list []modelsim.Exchange) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, busy(t, serverSeed))
		// Leaving on reading an event is left out: it falls on the very instant at which
		// the next step begins.
		traffic := modelsim.Traffic{
			BaseURL: "http://sim/v1", RPS: 12, Seed: trafficSeed, Model: "sim-medium", MaxRetries: 2, Mix: mix,
			Transport: h.client.Transport,
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second+123457*time.Nanosecond)
		defer cancel()
		counts := traffic.Run(ctx)
		synctest.Wait()
		list = h.sim.Exchanges(0)
		if counts.Requests < 80 || counts.Retries == 0 || counts.OK == 0 || len(list) != int(counts.Requests+counts.Retries) {
			t.Errorf("%d exchanges from traffic %+v", len(list), counts)
		}
	})
	return list
}

func TestSameSeedsGiveTheSameTokensAndTimes(t *testing.T) {
	for name, mix := range map[string]modelsim.Mix{"OpenAI": modelsim.DefaultMix(), "Anthropic": {Messages: 1}} {
		t.Run(name, func(t *testing.T) { checkSameTwice(t, mix) })
	}
}

func checkSameTwice(t *testing.T, mix modelsim.Mix) {
	t.Helper()
	first, again := play(t, mix, 7, 3), play(t, mix, 7, 3)
	if !reflect.DeepEqual(first, again) {
		if len(first) != len(again) {
			t.Fatalf("%d exchanges, then %d", len(first), len(again))
		}
		for i := range first {
			if !reflect.DeepEqual(first[i], again[i]) {
				t.Fatalf("exchange %d was\n%+v, then\n%+v", i, first[i], again[i])
			}
		}
	}
	outcomes := map[modelsim.Outcome]int{}
	queued, cached, merged := 0, 0, 0
	for _, ex := range first {
		outcomes[ex.Outcome]++
		if ex.ScheduledAt-ex.ReceivedAt > int64(300*ms) {
			queued++
		}
		if ex.CachedTokens > 0 {
			cached++
		}
		for _, c := range ex.Chunks {
			if ex.Stream && c.Tokens > 1 {
				merged++
			}
		}
	}
	if outcomes[modelsim.OutcomeOK] == 0 || outcomes[modelsim.OutcomeFault] == 0 || outcomes[modelsim.OutcomeRefused] == 0 || queued == 0 || cached == 0 || merged == 0 {
		t.Errorf("the scene lacks something: outcomes %v, %d queued, %d cached, %d chunks of several tokens", outcomes, queued, cached, merged)
	}
}

func TestOtherSeedsGiveOtherTokensAndTimes(t *testing.T) {
	mix := modelsim.DefaultMix()
	base := play(t, mix, 7, 3)
	for name, other := range map[string][]modelsim.Exchange{"server": play(t, mix, 8, 3), "traffic": play(t, mix, 7, 4)} {
		if reflect.DeepEqual(base, other) {
			t.Errorf("another %s seed changes nothing", name)
		}
	}
}

func TestRequestSeedChangesTheAnswerAndOrderDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := func(h *harness, fields string) string {
			text, _ := chatText(t, h.post(chatPath, chat(10, "a", fields)).body)
			return text
		}
		one, other := start(t, exact()), start(t, exact())
		a, b := text(one, `,"seed":1`), text(one, `,"seed":2`)
		if a == b {
			t.Errorf("two seeds give the same text %q", a)
		}
		if got := text(other, `,"seed":2`); got != b {
			t.Errorf("as first request the text is %q, as second %q", got, b)
		}
		if got := text(other, `,"seed":2,"max_tokens":5`); !strings.HasPrefix(b, got) {
			t.Errorf("cut short the text is %q, not the start of %q", got, b)
		}
	})
}
