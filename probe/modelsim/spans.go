package modelsim

import "time"

// spans has the times at which the first sequence of a job passed the stages of the engine, in Unix
// nanoseconds. The time of a stage that it did not reach is zero.
type spans struct {
	readyAt, scheduledAt, firstAt, lastAt int64

	shared bool // there are other sequences
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// book writes s into the ground truth.
func (s *spans) book(ex *Exchange) {
	ex.QueuedAt, ex.ScheduledAt, ex.FirstTokenAt, ex.LastTokenAt = s.readyAt, s.scheduledAt, s.firstAt, s.lastAt
}

// metrics is vLLM's object for one request with --enable-per-request-metrics.
// https://docs.vllm.ai/en/latest/features/per_request_metrics
type metrics struct {
	TTFT            float64  `json:"time_to_first_token_ms"` // from the scheduling on
	Generation      float64  `json:"generation_time_ms"`
	Queue           float64  `json:"queue_time_ms"`
	MeanITL         *float64 `json:"mean_itl_ms"`
	TokensPerSecond *float64 `json:"tokens_per_second"`
}

// metrics is nil when the job has several sequences or no token.
func (t *tally) metrics() *metrics {
	s := &t.spans
	if s.shared || s.firstAt == 0 {
		return nil
	}
	m := &metrics{
		TTFT:       milliseconds(s.firstAt - s.scheduledAt),
		Generation: milliseconds(s.lastAt - s.firstAt),
		Queue:      milliseconds(s.scheduledAt - s.readyAt),
	}
	if t.output > 1 {
		mean := m.Generation / float64(t.output-1)
		m.MeanITL = &mean
	}
	if whole := time.Duration(s.lastAt - s.scheduledAt); whole > 0 {
		rate := float64(t.output) / whole.Seconds()
		m.TokensPerSecond = &rate
	}
	return m
}

func milliseconds(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }
