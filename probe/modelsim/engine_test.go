package modelsim_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

const ms = time.Millisecond

func TestOneSequenceTakesItsPrefillAndThenAStepAToken(t *testing.T) {
	for _, tokens := range []int{10, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, exact())
			ex := h.truth(h.post(chatPath, chat(tokens, "a", `,"max_tokens":5`)))
			if ex.PromptTokens != tokens {
				t.Errorf("prompt is %d tokens, want %d", ex.PromptTokens, tokens)
			}
			want := 40*ms + 10*ms + time.Duration(tokens)*100*time.Microsecond
			if got := ex.TTFT(); got != want {
				t.Errorf("TTFT with %d prompt tokens is %v, want %v", tokens, got, want)
			}
			if got := ex.Gaps(); !slices.Equal(got, repeat(4, 11*ms)) {
				t.Errorf("gaps %v, want four of 11ms", got)
			}
		})
	}
}

func repeat(n int, d time.Duration) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

// together posts all bodies at once and returns their ground truth, in the order given.
func (h *harness) together(bodies ...string) []modelsim.Exchange {
	h.Helper()
	list := make([]modelsim.Exchange, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() {
			if r := h.post(chatPath, body); r.err != nil {
				h.Error(r.err)
			} else {
				list[i], _ = h.sim.Exchange(r.header.Get("X-Request-Id"))
			}
		})
	}
	wg.Wait()
	return list
}

func TestDecodeStepGrowsWithTheBatch(t *testing.T) {
	for _, size := range []int{1, 8, 32} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, exact())
			bodies := make([]string, size)
			for i := range bodies {
				bodies[i] = chat(10, "a", fmt.Sprintf(`,"max_tokens":6,"seed":%d`, i))
			}
			want := 10*ms + time.Duration(size)*ms
			for _, ex := range h.together(bodies...) {
				if got := ex.Gaps(); !slices.Equal(got, repeat(5, want)) {
					t.Errorf("gaps in a batch of %d are %v, want five of %v", size, got, want)
				}
			}
		})
	}
}

func TestPrefillIsChunkedByTheBudgetAndSlowsDecode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning, cfg.TokenBudget = 4, 65
		h := start(t, cfg)
		first := make(chan modelsim.Exchange)
		go func() { first <- h.truth(h.post(chatPath, chat(10, "a", `,"max_tokens":12`))) }()
		// The first decodes from 51 ms on. The second is ready at 70 ms, within the
		// step that ends at 73 ms, and leaves 64 tokens of each step's budget to be used.
		time.Sleep(30 * ms)
		second := h.truth(h.post(chatPath, chat(150, "b", `,"max_tokens":2`)))
		if want := 43*ms + 17400*us + 17400*us + 13200*us; second.TTFT() != want {
			t.Errorf("TTFT of the long prompt is %v, want %v", second.TTFT(), want)
		}
		want := []time.Duration{11 * ms, 11 * ms, 17400 * us, 17400 * us, 13200 * us, 12 * ms}
		if got := (<-first).Gaps(); !slices.Equal(got[:len(want)], want) {
			t.Errorf("gaps of the running answer are %v, want %v first", got, want)
		}
	})
}

const us = time.Microsecond

func TestRequestsBeyondTheBatchWaitForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning = 1
		h := start(t, cfg)
		list := h.together(chat(10, "a", `,"max_tokens":10`), chat(10, "a", `,"max_tokens":10`), chat(10, "a", `,"max_tokens":10`))
		slices.SortFunc(list, func(a, b modelsim.Exchange) int { return cmp.Compare(a.ScheduledAt, b.ScheduledAt) })
		// Each answer holds the slot for its prefill step and nine decode steps.
		const held = 11*ms + 9*11*ms
		got := []time.Duration{list[0].TTFT(), list[1].TTFT(), list[2].TTFT()}
		if want := []time.Duration{51 * ms, 51*ms + held, 51*ms + 2*held}; !slices.Equal(got, want) {
			t.Errorf("TTFTs %v, want %v", got, want)
		}
		if waited := time.Duration(list[2].ScheduledAt - list[2].ReceivedAt); waited != 40*ms+2*held {
			t.Errorf("the last was scheduled after %v, want %v", waited, 40*ms+2*held)
		}
	})
}

func TestFullWaitingQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning, cfg.MaxWaiting = 1, 1
		h := start(t, cfg)
		outcomes := map[modelsim.Outcome]int{}
		for _, ex := range h.together(chat(10, "a", ""), chat(10, "b", ""), chat(10, "c", "")) {
			outcomes[ex.Outcome]++
		}
		if outcomes[modelsim.OutcomeOK] != 2 || outcomes[modelsim.OutcomeRefused] != 1 {
			t.Errorf("outcomes %v, want two ok and one refused", outcomes)
		}
	})
}

func TestSpeculativeDecodingChangesTheGrainAndNotTheText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := chat(10, "a", `,"max_tokens":200`)
		plain := start(t, exact())
		wantText, _ := chatText(t, plain.post(chatPath, body).body)
		cfg := exact()
		cfg.DraftTokens, cfg.DraftAcceptance, cfg.MaxRunning = 3, 0.7, 64
		h := start(t, cfg)
		r := h.post(chatPath, body)
		gotText, _ := chatText(t, r.body)
		if gotText != wantText {
			t.Errorf("text differs: %q, want %q", gotText, wantText)
		}
		ex := h.truth(r)
		sizes := map[int]int{}
		for _, c := range ex.Chunks {
			sizes[c.Tokens]++
		}
		if ex.ShownTokens() != 200 || sizes[1] == 0 || sizes[4] == 0 || len(sizes) != 4 {
			t.Errorf("%d tokens in chunks of sizes %v, want 200 in sizes from 1 to 4", ex.ShownTokens(), sizes)
		}
		if got := ex.Gaps(); !slices.Equal(got, repeat(len(got), 11*ms)) {
			t.Errorf("gaps %v, want all 11ms", got)
		}
	})
}

func TestHiddenReasoningDelaysTheFirstTokenAndIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.ReasoningShare = 0.5
		h := start(t, cfg)
		ex := h.truth(h.post(chatPath, chat(10, "a", `,"max_tokens":20`)))
		if ex.ReasoningTokens != 10 || ex.OutputTokens != 20 || ex.ShownTokens() != 10 {
			t.Errorf("reasoning %d, output %d, shown %d; want 10, 20, 10", ex.ReasoningTokens, ex.OutputTokens, ex.ShownTokens())
		}
		if want := 51*ms + 10*11*ms; ex.TTFT() != want {
			t.Errorf("TTFT %v, want %v", ex.TTFT(), want)
		}
	})
}
