package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// genAITokens lists the instruments that the newer conventions have in place of
// gen_ai.client.token.usage: counters to add up, and histograms for the quantiles of an
// exchange.
func genAITokens(s SemConv) []Instrument {
	return named(s, []convention{
		usageCounter("input_tokens", input, "Tokens of prompts, cached ones included, as the provider reported them."),
		usageCounter("output_tokens", output, "Tokens generated, reasoning included, as the provider reported them."),
		usageCounter("cache_read.input_tokens", cacheRead, "Tokens of prompts that were read from the provider's cache."),
		usageCounter("cache_write.input_tokens", cacheWrite, "Tokens of prompts that were written to the provider's cache."),
		usageCounter("reasoning.output_tokens", reasoning, "Tokens generated for reasoning."),
		usageHistogram("input_tokens", input, "Tokens of a prompt as the provider reported them, one sample an exchange."),
		usageHistogram("output_tokens", output, "Tokens generated as the provider reported them, one sample an exchange."),
	})
}

func input(u *exchange.Usage) exchange.Count      { return u.Input }
func output(u *exchange.Usage) exchange.Count     { return u.Output }
func cacheRead(u *exchange.Usage) exchange.Count  { return u.CacheRead }
func cacheWrite(u *exchange.Usage) exchange.Count { return u.CacheWrite }
func reasoning(u *exchange.Usage) exchange.Count  { return u.Reasoning }

// usageCounter adds up the tokens that pick finds.
func usageCounter(name string, pick func(*exchange.Usage) exchange.Count, help string) convention {
	return convention{newer: inferencePrefix + "usage." + name, Instrument: Instrument{
		Kind: Counter, Unit: "{token}", Help: help, Family: GenAIClient, Labels: []string{"gen_ai.token.modality"},
		Draw: reported(pick, func(r *Reading) string { return modality(r.Operation) }),
	}}
}

// usageHistogram has the tokens that pick finds as one sample an exchange.
func usageHistogram(name string, pick func(*exchange.Usage) exchange.Count, help string) convention {
	return convention{newer: inferencePrefix + "operation." + name, Instrument: Instrument{
		Kind: Histogram, Unit: "{token}", Help: help, Family: GenAIClient, Labels: []string{"error.type"}, Buckets: tokenBuckets(),
		Draw: reported(pick, func(r *Reading) string { return failure(r.ErrorType) }),
	}}
}

// reported draws from the provider's own final count, as tokenUsage does. An unknown
// count is not 0: it gives no sample.
func reported(pick func(*exchange.Usage) exchange.Count, label func(*Reading) string) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Usage.Source == exchange.Reported {
			s.count(pick(&r.Usage), label(r))
		}
	}
}

// modality is the kind of content that an operation's tokens stand for. A text
// completion has text only. No provider tells it for the others, whose prompts may hold
// images and whose answers may hold sound.
func modality(o exchange.Operation) string {
	if o == exchange.TextCompletion {
		return "text"
	}
	return "unknown"
}
