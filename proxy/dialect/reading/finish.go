package reading

import "bytes"

// Reason is why an answer ended, as Record.FinishReasons has it.
type Reason uint8

// The reasons.
const (
	Unfinished Reason = iota // it has not ended
	Stopped                  // it had said all it had to say, or a stop sequence came
	TooLong                  // it reached a limit of tokens
	ToolCalls                // it waits for the client's tools
	Paused                   // the client is to ask for the rest
	Filtered                 // a filter cut it, or the model refused
	Erred
	OtherReason // one that this package does not know
)

// reasonNames are the names of the reasons in a Record.
var reasonNames = [...]string{
	Stopped: "stop", TooLong: "length", ToolCalls: "tool_calls",
	Paused: "pause", Filtered: "content_filter", Erred: "error", OtherReason: "other",
}

// ReasonOf is the reason that text names: a finish_reason, stop_reason or status of any
// API. No two APIs mean different things by one word. Case does not matter.
func ReasonOf(text []byte) Reason {
	var lower [maxReason]byte
	if len(text) > len(lower) {
		return OtherReason
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return reasonOf(lower[:len(text)])
}

// maxReason is the length of the longest text that names a reason.
const maxReason = 64

// reasonOf is the reason that text in lower case names.
func reasonOf(text []byte) Reason {
	switch string(text) {
	case "", "null", "none", "not_finished", "finish_reason_unspecified":
		return Unfinished
	case "stop", "eos", "eos_token", "stop_sequence", "end_turn", "completed", "complete", "finish", "finished", "word", "done", "load", "unload":
		return Stopped
	case "length", "max_tokens", "max_token", "model_length", "max_output_tokens", "model_context_window_exceeded", "limit":
		return TooLong
	case "tool_calls", "tool_call", "function_call", "tool_use":
		return ToolCalls
	case "pause_turn", "compaction":
		return Paused
	case "content_filter", "content_filtered", "refusal", "guardrail_intervened", "safety", "sensitive",
		"recitation", "language", "blocklist", "prohibited_content", "spii", "model_armor",
		"image_safety", "image_prohibited_content", "image_recitation", "error_toxic":
		return Filtered
	}
	if isFailure(text) {
		return Erred
	}
	return OtherReason
}

// failures are words in the reasons of answers that failed, such as network_error (GLM),
// insufficient_system_resource (DeepSeek) and MALFORMED_FUNCTION_CALL (Gemini).
var failures = [...]string{
	"error", "fail", "abort", "cancel", "timeout", "timed_out", "insufficient", "overload", "malformed",
	"unexpected_tool_call", "too_many_tool_calls", "unavailable", "exception", "no_image", "image_other",
	"missing_thought_signature", "interrupt", "rate_limit", "quota", "throttl", "busy", "crash", "killed", "dead",
	"out_of_memory", "disconnect",
}

// isFailure tells whether a reason has one of the words of failures.
func isFailure(text []byte) bool {
	for _, word := range failures {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}
