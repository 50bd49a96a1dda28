// Package modelsim is a simulated inference server. It speaks the APIs of several
// providers over HTTP and behaves in time like an engine with continuous batching, so
// that demos, tests and benchmarks have an upstream whose every emitted token is known
// to the nanosecond.
//
// # The engine
//
// One loop steps one batch, as vLLM's scheduler does. Each step has a token
// budget. Sequences that decode take their share first, then prompts that are
// partly prefilled, then those that wait, as long as there are slots and budget:
// prefill comes in chunks and competes with decode. A step lasts
//
//	StepBase + StepPerSequence × decoding + PrefillPerToken × prompt tokens
//
// give or take Jitter, and at its end every sequence that took part has its
// tokens: one, or up to 1+DraftTokens with speculative decoding. Each step starts
// where the last one was planned to end, so late wake-ups do not add up. Before the
// engine may schedule it, a request spends PrefillBase in the front end, which costs
// the batch nothing.
//
// Prompts that share a prefix with an earlier request, its answer included, skip
// the prefill of all full cached blocks. There is no model of KV memory beyond the
// bound of that cache: sequences are never preempted.
//
// The engine never waits for a client. Each request has a queue of Backlog
// events. When a slow reader lets it fill up, further tokens join the newest event in
// it, as in vLLM's output collector: the client loses the grain and no text, and
// memory is bounded by the length of the answer. A client that leaves frees its slots
// at once.
//
// # Where things are
//
// A request goes from the endpoint that its path names (endpoint.go, pattern.go) to a call (call.go),
// which hands an order to the engine (engine.go, scheduler.go, sequence.go) and its answer to an
// encoder (generation.go). The encoder words events, the framing of the endpoint (framing.go,
// framing_aws.go) puts them one after the other, and the sink (sink.go) writes them and books when
// (truth.go). An API is a body with a plan and an encoder, in a file that begins with the name of its
// family: openai_chat.go. What the APIs of one family share, such as the envelope of their errors, is
// the provider in the file with that name alone: openai.go.
//
// # Sections
//
// An answer can have three sections: thinking, text, and a call of a tool. A request
// asks for them in the words of its API; some APIs have text only. Each event has
// tokens of one section.
//
// # Randomness
//
// Everything random derives from Config.Seed. Text, length and chunk sizes depend on
// the prompt (and the request's own seed), not on order: the same prompt
// gets the same answer, streamed or not, directly or through a proxy. Identifiers
// and random faults depend on the request's ordinal, so a retry may fare
// better. The jitter of a step depends on its ordinal. The same requests at the same
// times therefore give the same tokens, chunks and, in virtual time, the same stamps.
// One race is left: a client may leave, or send, at the very instant of a step.
//
// # Tokens
//
// The tokenizer is the simulator's own: a token is up to eight letters or digits,
// with one space before them if there is one, or else any single character.
// Chat messages add a marker before (the role) and one after, and one marker opens the answer;
// plain prompts and inputs begin with one.
// A content part that is not text counts as 256, and the name of a tool that an answer
// calls as one. So the text of an answer has exactly as many tokens as it was generated
// from, less reasoning that the client does not see.
//
// # Ground truth
//
// For each request the server keeps an Exchange. It tells when the request arrived,
// when the server wrote the head and each event with tokens (the moment right before
// the write), how many tokens, and how the exchange ended. Read them by
// Server.Exchanges or GET /sim/exchanges.
package modelsim
