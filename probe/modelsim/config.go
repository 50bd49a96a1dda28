package modelsim

import (
	"errors"
	"fmt"
	"time"
)

// Config describes a simulated server. Start from DefaultConfig or FastConfig;
// the zero value is not valid.
type Config struct {
	// Models are the names that /v1/models lists. The server answers for any other name too, and
	// echoes it. With StrictModels another name gets a 404.
	Models       []string
	StrictModels bool
	// APIKey, when set, must arrive as bearer token, or where else the provider takes it: X-Api-Key,
	// X-Goog-Api-Key, the parameter key, any AWS signature. Otherwise the answer is 401.
	APIKey string
	// Seed feeds everything random; see the package documentation.
	Seed uint64

	// MaxRunning is how many sequences the batch holds (vLLM: max_num_seqs). More sequences wait in
	// order of arrival, MaxWaiting of them at most; 0 is no bound. A request beyond that gets a 503,
	// or 529 in the Messages API.
	MaxRunning, MaxWaiting int
	// TokenBudget is how many tokens one step may process, of prompts and answers together (vLLM:
	// max_num_batched_tokens).
	TokenBudget int
	// Each request spends PrefillBase outside the batch before the engine may schedule it.
	// PrefillPerToken is the time that one uncached prompt token adds to a step.
	PrefillBase, PrefillPerToken time.Duration
	// StepBase is the time of an empty step. Each decoding sequence adds StepPerSequence.
	StepBase, StepPerSequence time.Duration
	// Jitter scales each step by a uniform factor in [1-Jitter, 1+Jitter].
	Jitter float64
	// DraftTokens is how many tokens speculative decoding proposes a step; 0 turns it off. The model
	// accepts each with probability DraftAcceptance if it accepted those before it.
	DraftTokens     int
	DraftAcceptance float64
	// The prefix cache holds CacheBlocks blocks of BlockSize tokens, and drops the least recently
	// used first. CacheBlocks of 0 turns it off.
	BlockSize, CacheBlocks int

	// MaxModelLen bounds prompt plus answer in tokens. A request for more gets a 400.
	MaxModelLen int
	// OutputMedian and OutputSpread are the log-normal distribution of answer
	// lengths in tokens; a spread of 0 makes all answers OutputMedian long.
	OutputMedian int
	OutputSpread float64
	// IgnoreEOS makes the maximum that a request names the exact length. Otherwise that only cuts the
	// drawn length. A request's own ignore_eos overrides the field.
	IgnoreEOS bool
	// ReasoningShare of each answer's tokens is generated first and reported as reasoning. OpenAI's
	// APIs never show it. In the Messages API it is the thinking of requests that ask for that, half
	// of the answer if the share is 0.
	ReasoningShare float64
	// MaxChoices bounds n, and MaxInputs the prompts or inputs of one request.
	MaxChoices, MaxInputs int
	// EmbeddingDims is the length of an embedding unless the request says otherwise.
	EmbeddingDims int

	// RequestsPerMinute and TokensPerMinute are the rate limits, 0 for none. A request that the
	// server admits pays for its prompt and its longest answer, which is OutputMedian when it names
	// no maximum. A request that the server refuses pays nothing.
	RequestsPerMinute, TokensPerMinute int

	// EarlyHead sends a stream's head and first events when the server accepts the request. Otherwise
	// they wait for the first token.
	EarlyHead bool
	// TellMetrics makes answers of OpenAI's APIs tell how long they waited for the engine and how
	// long it worked on them, as vLLM's do with --enable-per-request-metrics. A stream tells it
	// beside the usage. An answer of several choices tells nothing.
	TellMetrics bool
	// Gzip compresses answers for clients that accept it. A request may ask for
	// the same with the header X-Sim-Encoding: gzip.
	Gzip bool
	// Backlog is how many events wait for a slow client before tokens join the last of them.
	Backlog int
	// Faults strike requests at random, in addition to those that a request asks for with the header
	// X-Sim-Fault.
	Faults []FaultRule
	// KeepExchanges is how many exchanges the ground truth holds; it drops the oldest.
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
