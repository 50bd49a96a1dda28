package openai

// reason is why a choice ended, as Record.FinishReasons has it.
type reason uint8

const (
	unfinished reason = iota
	stopped
	tooLong
	toolCalls
	filtered
	erred
	otherReason
)

// reasonNames are the names of the reasons in a Record.
var reasonNames = [...]string{
	stopped: "stop", tooLong: "length", toolCalls: "tool_calls",
	filtered: "content_filter", erred: "error", otherReason: "other",
}

// reasonOf is the reason for which a finish_reason of OpenAI, or of those who
// imitate it, stands.
func reasonOf(text []byte) reason {
	switch string(text) {
	case "":
		return unfinished
	case "stop", "eos", "eos_token", "stop_sequence", "end_turn", "completed":
		return stopped
	case "length", "max_tokens", "model_length", "max_output_tokens", "limit":
		return tooLong
	case "tool_calls", "function_call", "tool_use":
		return toolCalls
	case "content_filter", "refusal":
		return filtered
	case "error", "abort", "failed", "cancelled":
		return erred
	}
	return otherReason
}
