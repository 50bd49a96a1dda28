package modelsim_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestSharedPrefixSkipsPrefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		cold := h.truth(h.post(chatPath, chat(100, "a", "")))
		warm := h.truth(h.post(chatPath, chat(100, "a", "")))
		// 99 tokens may be skipped, of which full blocks of 16 are 96.
		if cold.CachedTokens != 0 || warm.CachedTokens != 96 {
			t.Errorf("cached tokens are %d then %d, want 0 then 96", cold.CachedTokens, warm.CachedTokens)
		}
		if got, want := cold.TTFT()-warm.TTFT(), 96*100*us; got != want {
			t.Errorf("the cache saves %v, want %v", got, want)
		}
		if other := h.truth(h.post(chatPath, chat(100, "b", ""))); other.CachedTokens != 0 {
			t.Errorf("another prompt found %d cached tokens", other.CachedTokens)
		}
	})
}

// TestAnUncachedRequestReadsItsWholePrompt, and leaves it in the cache for the next one.
func TestAnUncachedRequestReadsItsWholePrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		for i, want := range []int{0, 96, 0, 96} {
			fault := ""
			if i == 2 {
				fault = "uncached"
			}
			if got := h.truth(h.post(chatPath, chat(100, "a", ""), "X-Sim-Fault", fault)); got.CachedTokens != want || got.Fault != fault {
				t.Errorf("request %d: %d cached tokens, fault %q; want %d, %q", i, got.CachedTokens, got.Fault, want, fault)
			}
		}
	})
}

func TestNextTurnFindsThePreviousAnswerInTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		first := h.post(chatPath, chat(10, "a", `,"max_tokens":60`))
		text, _ := chatText(t, first.body)
		second := h.truth(h.post(chatPath, `{"model":"sim-medium","messages":[
			{"role":"user","content":"a a a a a a a"},
			{"role":"assistant","content":`+quote(t, text)+`},
			{"role":"user","content":"go on"}]}`))
		// The first turn is 70 tokens: four full blocks.
		if second.CachedTokens != 64 {
			t.Errorf("second turn found %d cached tokens, want 64", second.CachedTokens)
		}
	})
}

func TestPrefixCacheForgetsTheLeastRecentlyUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		// A prompt and its answer are five blocks; the third set pushes out the last three
		// of the one used least recently, and its first two stay of use.
		cfg.CacheBlocks = 12
		h := start(t, cfg)
		var cached []int
		for _, seed := range []string{"a", "b", "a", "c", "b", "c"} {
			cached = append(cached, h.truth(h.post(chatPath, chat(65, seed, ""))).CachedTokens)
		}
		if want := []int{0, 0, 64, 0, 32, 64}; !slices.Equal(cached, want) {
			t.Errorf("cached tokens %v, want %v", cached, want)
		}
		if n := h.sim.Stats().CachedBlocks; n > 12 {
			t.Errorf("cache holds %d blocks, more than its 12", n)
		}
	})
}

func TestChoicesOfOnePromptShareItsPrefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		ex := h.truth(h.post(chatPath, chat(100, "a", `,"n":4,"max_tokens":1`)))
		// The first computes 100 tokens, the others the four beyond the full blocks.
		if want := 40*ms + 10*ms + (100+3*4)*100*us; ex.TTFT() != want {
			t.Errorf("TTFT %v, want %v", ex.TTFT(), want)
		}
		if ex.PromptTokens != 100 || ex.CachedTokens != 0 || ex.OutputTokens != 4 {
			t.Errorf("usage %d/%d/%d, want the prompt once: 100/0/4", ex.PromptTokens, ex.CachedTokens, ex.OutputTokens)
		}
		if got := strings.Join(ex.FinishReasons, " "); got != "length length length length" {
			t.Errorf("finish reasons %q", got)
		}
	})
}
