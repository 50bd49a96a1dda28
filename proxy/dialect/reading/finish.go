package reading

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
// API. No two APIs mean different things by one word.
func ReasonOf(text []byte) Reason {
	switch string(text) {
	case "":
		return Unfinished
	case "stop", "eos", "eos_token", "stop_sequence", "end_turn", "completed":
		return Stopped
	case "length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded", "limit":
		return TooLong
	case "tool_calls", "function_call", "tool_use":
		return ToolCalls
	case "pause_turn":
		return Paused
	case "content_filter", "refusal":
		return Filtered
	case "error", "abort", "failed", "cancelled":
		return Erred
	}
	return OtherReason
}
