package modelsim

import (
	"errors"
	"fmt"
	"time"
)

// Config describes a simulated server. Start from DefaultConfig or FastConfig;
// the zero value is not valid.
type Config struct {
	// Models are the names listed by /v1/models. Any other name is served too, and
	// echoed, unless StrictModels is set: then it is a 404.
	Models       []string
	StrictModels bool
	// APIKey, when set, must arrive as bearer token, or as X-Api-Key in the Messages API. Otherwise
	// the answer is 401.
	APIKey string
	// Seed feeds everything random; see the package documentation.
	Seed uint64

	// MaxRunning is how many sequences the batch holds (vLLM: max_num_seqs); more wait
	// in order of arrival. MaxWaiting bounds that queue, 0 does not; beyond it
	// the answer is 503.
	MaxRunning, MaxWaiting int
	// TokenBudget is how many tokens one step may process, prompt and decode together
	// (vLLM: max_num_batched_tokens).
	TokenBudget int
	// PrefillBase is spent by each request before it may be scheduled, outside the batch.
	// PrefillPerToken is the time of one uncached prompt token within a step.
	PrefillBase, PrefillPerToken time.Duration
	// StepBase is the time of an empty step, StepPerSequence what each
	// decoding sequence adds.
	StepBase, StepPerSequence time.Duration
	// Jitter scales each step by a uniform factor in [1-Jitter, 1+Jitter].
	Jitter float64
	// DraftTokens is how many tokens speculative decoding proposes a step, 0 turns it off;
	// each is accepted with probability DraftAcceptance if those before it were.
	DraftTokens     int
	DraftAcceptance float64
	// BlockSize is the grain of the prefix cache in tokens, CacheBlocks how many
	// blocks it keeps, least recently used out first; 0 turns it off.
	BlockSize, CacheBlocks int

	// MaxModelLen bounds prompt plus answer in tokens; beyond it the answer is 400.
	MaxModelLen int
	// OutputMedian and OutputSpread are the log-normal distribution of answer
	// lengths in tokens; a spread of 0 makes all answers OutputMedian long.
	OutputMedian int
	OutputSpread float64
	// IgnoreEOS makes a requested maximum the exact length; otherwise it only cuts the drawn
	// length. A request's own ignore_eos overrides it.
	IgnoreEOS bool
	// ReasoningShare of each answer's tokens is generated first and reported as reasoning. OpenAI's
	// APIs never show it. In the Messages API it is the thinking of requests that ask for that, half
	// of the answer if the share is 0.
	ReasoningShare float64
	// MaxChoices bounds n, and MaxInputs the prompts or inputs of one request.
	MaxChoices, MaxInputs int
	// EmbeddingDims is the length of an embedding unless the request says otherwise.
	EmbeddingDims int

	// RequestsPerMinute and TokensPerMinute are the rate limits, 0 for none. A request is
	// charged at admission with its prompt and its maximum answer (the median
	// when it names no maximum), and not at all when it is refused.
	RequestsPerMinute, TokensPerMinute int

	// EarlyHead sends a stream's head, and the events that precede the first token, when
	// the request is accepted; otherwise they wait for the first token.
	EarlyHead bool
	// TellMetrics makes answers tell how long they waited for the engine and were worked on by
	// it, as vLLM's do with --enable-per-request-metrics: in the body of an answer that is not
	// streamed, and in a stream where it tells the usage. Of several choices nothing is told.
	TellMetrics bool
	// Gzip compresses answers for clients that accept it. A request may ask for
	// the same with the header X-Sim-Encoding: gzip.
	Gzip bool
	// Backlog is how many events wait for a slow client before tokens are merged.
	Backlog int
	// Faults strike requests at random, in addition to those which a request asks for
	// with the header X-Sim-Fault.
	Faults []FaultRule
	// KeepExchanges is how many exchanges the ground truth holds, newest kept.
	KeepExchanges int
}

// DefaultConfig is a mid-size model on one accelerator: at low load the first token
// takes 60 to 150 ms and a step 12 to 20 ms.
func DefaultConfig() Config {
	return Config{
		Models:          []string{"sim-medium"},
		Seed:            1,
		MaxRunning:      256,
		TokenBudget:     1024,
		PrefillBase:     45 * time.Millisecond,
		PrefillPerToken: 60 * time.Microsecond,
		StepBase:        12 * time.Millisecond,
		StepPerSequence: 50 * time.Microsecond,
		Jitter:          0.05,
		BlockSize:       16,
		CacheBlocks:     8192,
		MaxModelLen:     32768,
		OutputMedian:    120,
		OutputSpread:    0.6,
		IgnoreEOS:       true,
		MaxChoices:      8,
		MaxInputs:       2048,
		EmbeddingDims:   256,
		EarlyHead:       true,
		Backlog:         64,
		KeepExchanges:   1024,
	}
}

// FastConfig is DefaultConfig at a tenth of its times, for end-to-end tests on a
// real clock.
func FastConfig() Config {
	c := DefaultConfig()
	c.PrefillBase /= 10
	c.PrefillPerToken /= 10
	c.StepBase /= 10
	c.StepPerSequence /= 10
	return c
}

// Validate reports every field that is out of range, joined.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Models) > 0, "Models: at least one name is needed")
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"MaxRunning", c.MaxRunning, 1},
		{"MaxWaiting", c.MaxWaiting, 0},
		{"DraftTokens", c.DraftTokens, 0},
		{"BlockSize", c.BlockSize, 1},
		{"CacheBlocks", c.CacheBlocks, 0},
		{"MaxModelLen", c.MaxModelLen, 2},
		{"OutputMedian", c.OutputMedian, 1},
		{"MaxChoices", c.MaxChoices, 1},
		{"MaxInputs", c.MaxInputs, 1},
		{"EmbeddingDims", c.EmbeddingDims, 1},
		{"RequestsPerMinute", c.RequestsPerMinute, 0},
		{"TokensPerMinute", c.TokensPerMinute, 0},
		{"Backlog", c.Backlog, 1},
		{"KeepExchanges", c.KeepExchanges, 1},
	} {
		check(f.value >= f.min, "%s: %d is below %d", f.name, f.value, f.min)
	}
	// Decode must never starve: every running sequence fits into one step.
	check(c.TokenBudget >= c.MaxRunning*(1+c.DraftTokens),
		"TokenBudget: %d is below MaxRunning × (1 + DraftTokens) = %d", c.TokenBudget, c.MaxRunning*(1+c.DraftTokens))
	check(c.StepBase > 0, "StepBase: %v is not positive", c.StepBase)
	check(c.PrefillBase >= 0, "PrefillBase: %v is negative", c.PrefillBase)
	check(c.PrefillPerToken >= 0, "PrefillPerToken: %v is negative", c.PrefillPerToken)
	check(c.StepPerSequence >= 0, "StepPerSequence: %v is negative", c.StepPerSequence)
	check(c.Jitter >= 0 && c.Jitter < 1, "Jitter: %v is outside [0, 1)", c.Jitter)
	check(c.DraftAcceptance >= 0 && c.DraftAcceptance <= 1, "DraftAcceptance: %v is outside [0, 1]", c.DraftAcceptance)
	check(c.OutputSpread >= 0 && c.OutputSpread <= 3, "OutputSpread: %v is outside [0, 3]", c.OutputSpread)
	check(c.ReasoningShare >= 0 && c.ReasoningShare < 1, "ReasoningShare: %v is outside [0, 1)", c.ReasoningShare)
	for _, r := range c.Faults {
		check(r.Probability >= 0 && r.Probability <= 1, "Faults: probability %v of %s is outside [0, 1]", r.Probability, r.Fault)
	}
	return errors.Join(errs...)
}
