package modelsim_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestEngineTimesSplitTheTTFT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning = 1
		h := start(t, cfg)
		list := h.together(chat(10, "a", `,"max_tokens":10`), chat(10, "a", `,"max_tokens":10`), chat(10, "a", `,"max_tokens":10`))
		slices.SortFunc(list, func(a, b modelsim.Exchange) int { return cmp.Compare(a.ScheduledAt, b.ScheduledAt) })
		const prefill, decode = 11 * ms, 9 * 11 * ms
		for i, x := range list {
			q, p, d := x.Engine()
			if want := time.Duration(i) * (prefill + decode); q != want || p != prefill || d != decode {
				t.Errorf("the %d.: queue %v, prefill %v, decode %v; want %v, %v, %v", i+1, q, p, d, want, prefill, decode)
			}
			if cfg.PrefillBase+q+p != x.TTFT() {
				t.Errorf("the %d.: %v + %v + %v is no TTFT of %v", i+1, cfg.PrefillBase, q, p, x.TTFT())
			}
		}
	})
}

// TestAnswersTellTheirEngineTimes holds the metrics of answers against the ground truth.
func TestAnswersTellTheirEngineTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.TellMetrics, cfg.Jitter, cfg.ReasoningShare = true, 0.3, 0.2
		h := start(t, cfg)
		for path, body := range map[string]string{
			chatPath:        `{"model":"m","messages":[{"role":"user","content":"Once"}],"max_tokens":10}`,
			completionsPath: `{"model":"m","prompt":"Once","max_tokens":7}`,
			responsesPath:   `{"model":"m","input":"Once","max_output_tokens":5}`,
		} {
			r := h.post(path, body)
			var told struct {
				Metrics struct {
					Queue   float64 `json:"queue_time_ms"`
					Prefill float64 `json:"time_to_first_token_ms"`
					Decode  float64 `json:"generation_time_ms"`
				} `json:"metrics"`
			}
			if err := json.Unmarshal(r.body, &told); err != nil {
				t.Fatal(err)
			}
			queue, prefill, decode := h.truth(r).Engine()
			got := []float64{told.Metrics.Queue, told.Metrics.Prefill, told.Metrics.Decode}
			want := []float64{queue.Seconds() * 1000, prefill.Seconds() * 1000, decode.Seconds() * 1000}
			for i := range got {
				if diff := got[i] - want[i]; diff > 1e-6 || diff < -1e-6 {
					t.Errorf("%s: told %v ms, truth %v ms", path, got, want)
				}
			}
			if prefill == 0 || decode == 0 {
				t.Errorf("%s: prefill %v, decode %v", path, prefill, decode)
			}
		}
	})
}
