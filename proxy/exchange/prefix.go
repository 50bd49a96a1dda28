package exchange

// Prompt holds hashes of the parts of a prompt, in the order in which models read them: tools,
// system prompt, messages. The hashes have a random key, as Fingerprints have. Equal parts
// have equal hashes; the spelling of JSON and marks of cache breakpoints are no part of them.
// A Prompt does not change once it is made.
type Prompt struct {
	Tools  Fingerprint // 0 for none
	System Fingerprint // outside the messages; 0 for none
	// Messages has a hash for each message, in their order. System is the number of
	// messages in front that are parts of the system prompt (role system or developer).
	Messages       []uint32
	SystemMessages int
	// Breakpoints says that the client marked where the provider should cache.
	Breakpoints bool
	Sender      Fingerprint // of the credentials; 0 for none
}

// Prefix compares the prompt of an exchange with the last prompt of its conversation.
type Prefix struct {
	// Prompt is nil for a request without messages that headway could read whole, and after
	// the stage that compares. It lies in the memory of the exchange: whoever keeps it copies
	// it, with its messages.
	Prompt *Prompt
	Missed CacheMiss
	// Changed is the first part that the client changed; Message is its number, from 1 and
	// as the request counts, if that part is a message.
	Changed PromptPart
	Message int32
	// Lost counts the tokens that the last request had left in the prompt cache, and that
	// this one did not read from there.
	Lost int64
}

// CacheMiss says why a prompt did not meet the prompt cache as the last one of its conversation
// leads one to expect. The zero value stands for a prompt that met it, and for one that
// headway could not compare.
type CacheMiss uint8

// The causes.
const (
	NoMiss        CacheMiss = iota
	PrefixChanged           // the client changed a part that it had sent before
	SamePrefix              // it changed nothing: the cache of the provider or engine missed
)

// String is the name of m in metrics, captures and spans; empty for NoMiss.
func (m CacheMiss) String() string { return [...]string{"", "prefix_changed", "same_prefix"}[m] }

// Note is the note of an exchange whose prompt missed the cache; empty for NoMiss.
func (m CacheMiss) Note() string {
	return [...]string{"", "prompt_prefix_changed", "prompt_cache_missed"}[m]
}

// PromptPart is a part of a prompt.
type PromptPart uint8

// The parts, in the order in which caches read them.
const (
	NoPart PromptPart = iota
	ToolsPart
	SystemPart
	MessagePart
	// BreakpointsPart are the marks that ask the provider to cache, where the client took all
	// of them away.
	BreakpointsPart
)

// String is the name of p in metrics, captures and spans.
func (p PromptPart) String() string {
	return [...]string{"none", "tools", "system", "message", "breakpoints"}[p]
}
