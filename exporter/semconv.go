package exporter

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// SemConv says which names the instruments of the semantic conventions have.
type SemConv string

// The settings. They differ beside an application only: the conventions for model
// servers are the same in both.
const (
	V141   SemConv = "v1.41"  // OpenTelemetry semantic conventions 1.41, the last release with gen_ai
	Latest SemConv = "latest" // semantic-conventions-genai, as of October 2026 and unreleased
	Dup    SemConv = "dup"    // both, for as long as dashboards move
)

// SemConvs lists every setting.
func SemConvs() []SemConv { return []SemConv{V141, Latest, Dup} }

// of tells whether the instrument is one of a setting.
func (in *Instrument) of(s SemConv) bool {
	return len(in.SemConv) == 0 || slices.Contains(in.SemConv, s)
}

// tokenTable is what became of gen_ai.client.token.usage: counters to add up, and
// histograms for the quantiles of an exchange.
func tokenTable() []Instrument {
	return []Instrument{
		{
			Name: "gen_ai.client.inference.usage.input_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens of prompts, cached ones included, as the provider reported them.",
			Family: GenAI, Labels: []string{"gen_ai.token.modality"}, Role: exchange.Client,
			Draw:    usage(func(u *exchange.Usage) exchange.Count { return u.Input }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.usage.output_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens generated, reasoning included, as the provider reported them.",
			Family: GenAI, Labels: []string{"gen_ai.token.modality"}, Role: exchange.Client,
			Draw:    usage(func(u *exchange.Usage) exchange.Count { return u.Output }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.usage.cache_read.input_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens of prompts that were read from the provider's cache.",
			Family: GenAI, Labels: []string{"gen_ai.token.modality"}, Role: exchange.Client,
			Draw:    usage(func(u *exchange.Usage) exchange.Count { return u.CacheRead }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.usage.cache_write.input_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens of prompts that were written to the provider's cache.",
			Family: GenAI, Labels: []string{"gen_ai.token.modality"}, Role: exchange.Client,
			Draw:    usage(func(u *exchange.Usage) exchange.Count { return u.CacheWrite }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.usage.reasoning.output_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens generated for reasoning.",
			Family: GenAI, Labels: []string{"gen_ai.token.modality"}, Role: exchange.Client,
			Draw:    usage(func(u *exchange.Usage) exchange.Count { return u.Reasoning }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.operation.input_tokens", Kind: Histogram, Unit: "{token}",
			Help:   "Tokens of a prompt as the provider reported them, one sample an exchange.",
			Bounds: tokenBounds(), Zero: tokenZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw:    operationTokens(func(u *exchange.Usage) exchange.Count { return u.Input }),
			SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.client.inference.operation.output_tokens", Kind: Histogram, Unit: "{token}",
			Help:   "Tokens generated as the provider reported them, one sample an exchange.",
			Bounds: tokenBounds(), Zero: tokenZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw:    operationTokens(func(u *exchange.Usage) exchange.Count { return u.Output }),
			SemConv: []SemConv{Latest, Dup},
		},
	}
}

// inference restricts draw to the operations that the newer conventions call by that
// name, noInference to the others.
func inference(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Operation.Generates() {
			draw(r, s)
		}
	}
}

func noInference(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if !r.Operation.Generates() {
			draw(r, s)
		}
	}
}

// usage draws from the provider's own final count, as tokenUsage does. What is not
// known is not counted as 0.
func usage(of func(*exchange.Usage) exchange.Count) func(*Reading, *Samples) {
	return inference(func(r *Reading, s *Samples) {
		if r.Usage.Source == exchange.Reported {
			s.count(of(&r.Usage), modality(r.Operation))
		}
	})
}

func operationTokens(of func(*exchange.Usage) exchange.Count) func(*Reading, *Samples) {
	return inference(func(r *Reading, s *Samples) {
		if r.Usage.Source == exchange.Reported {
			s.count(of(&r.Usage), string(r.ErrorType))
		}
	})
}

// modality is what the tokens of an operation are. A text completion has no other;
// for the rest nobody tells, as a prompt may have images and an answer sound.
func modality(operation exchange.Operation) string {
	if operation == exchange.TextCompletion {
		return "text"
	}
	return "unknown"
}
