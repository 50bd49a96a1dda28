package reading

import "github.com/headway-sidecar/headway/proxy/exchange"

// Note is an oddity that a response may have.
type Note uint8

// The notes.
const (
	UnterminatedEvent   Note = iota // the stream ended within an event
	InvalidJSON                     // there is text where JSON should be
	NoDone                          // the stream ended without its terminator, though it had said everything
	EventAfterDone                  // the stream went on behind its terminator
	UsageAfterFinish                // usage came behind the finish reason, with a choice beside it
	UnknownFinishReason             // which the Record calls other
	UnknownEventType                // the API's reference does not have such an event
	ReasoningOverOutput             // the provider counts more reasoning than output
	ErrorField                      // a line "error: …", which clients ignore
	NotStreamed                     // the client asked for a stream and got something else
	NotUnderstood                   // the body is neither JSON nor a stream
	Replay                          // the response repeats an earlier one
	RepeatedStart                   // the stream begins a second time
	CorruptMessage                  // the checksum of a message is wrong
	NoFinishReason                  // the terminator came, and a choice had not said why it ended
	UnknownContent                  // a delta has a value that may be content, at a place that no API has
	UnknownUsage                    // a usage object has no count at any place that an API has
	RepeatedContent                 // the stream sends the whole answer once more
	NegativeCount                   // a count is below 0, and so unknown
	UsageInSeconds                  // the provider bills by the duration of the sound, and counts no tokens
)

// noteNames are the names of the notes in a Record.
var noteNames = [...]string{
	UnterminatedEvent:   "unterminated_event",
	InvalidJSON:         "invalid_json",
	NoDone:              "no_done",
	EventAfterDone:      "event_after_done",
	UsageAfterFinish:    "usage_after_finish",
	UnknownFinishReason: "unknown_finish_reason",
	UnknownEventType:    "unknown_event_type",
	ReasoningOverOutput: "reasoning_over_output",
	ErrorField:          "error_field",
	NotStreamed:         "not_streamed",
	NotUnderstood:       exchange.NotUnderstood,
	Replay:              "replay",
	RepeatedStart:       "duplicate_message_start",
	CorruptMessage:      "corrupt_message",
	NoFinishReason:      "no_finish_reason",
	UnknownContent:      "unknown_content",
	UnknownUsage:        "unknown_usage",
	RepeatedContent:     "repeated_content",
	NegativeCount:       "negative_count",
	UsageInSeconds:      "usage_in_seconds",
}

// notes is a set of them.
type notes uint32

// names lists the set in the order of the notes.
func (n notes) names() (names []string) {
	for i, name := range noteNames {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
