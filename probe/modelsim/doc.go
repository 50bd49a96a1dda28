// Package modelsim is a simulated inference server. It speaks OpenAI's APIs and
// Anthropic's Messages over HTTP and behaves in time like an engine with continuous
// batching, so that demos, tests and benchmarks have an upstream whose every emitted
// token is known to the nanosecond.
//
// # The engine
//
// One loop steps one batch, as vLLM's scheduler does. Each step has a token
// budget. Sequences that decode take their share first, then prompts that are
// partly prefilled, then waiting ones while there are slots and budget: prefill
// is chunked and competes with decode. A step lasts
//
//	StepBase + StepPerSequence × decoding + PrefillPerToken × prompt tokens
//
// give or take Jitter, and at its end every sequence that took part has its
// tokens: one, or up to 1+DraftTokens with speculative decoding. Steps follow each
// other by deadline, so a late wake-up does not add up. Before it may be scheduled a
// request spends PrefillBase in the front end, which costs the batch nothing.
//
// Prompts that share a prefix with an earlier request, its answer included, skip
// the prefill of all full cached blocks. There is no model of KV memory beyond the
// bound of that cache: sequences are never preempted.
//
// The engine never waits for a client. Each request has a queue of Backlog
// events; when a slow reader lets it fill up, further tokens join the newest queued
// event (vLLM's output collector does the same), so memory is bounded by the length
// of the answer and what is lost is the grain, not the text. A client that leaves
// frees its slots at once.
//
// # Randomness
//
// Everything random derives from Config.Seed. Text, length and chunk sizes depend on
// the prompt (and the request's own seed), not on order: the same prompt
// gets the same answer, streamed or not, directly or through a proxy. Identifiers
// and random faults depend on the request's ordinal, so a retry may fare
// better. The jitter of a step depends on its ordinal. The same requests at the same
// times therefore give the same tokens, chunks and, in virtual time, the same stamps. The one
// race left is a client's own: to leave, or to send, at the very instant of a step.
//
// # Tokens
//
// The tokenizer is the simulator's own: a token is up to eight letters or digits,
// with one space before them if there is one, or else any single character.
// Chat messages add a marker before (the role) and one after, and one marker opens the answer;
// plain prompts and inputs begin with one.
// A content part that is not text counts as 256. Counting the tokens of an
// answer's text gives exactly the completion tokens that were shown.
//
// # Ground truth
//
// For each request the server keeps an Exchange: when the request was received, when
// the head and each token-bearing event were handed to the kernel (the stamp is
// taken just before the write), with how many tokens, and how it ended. Read
// them by Server.Exchanges or GET /sim/exchanges.
package modelsim
