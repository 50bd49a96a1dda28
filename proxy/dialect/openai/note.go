package openai

// notes is a set of oddities.
type notes uint16

const (
	unterminatedEvent notes = 1 << iota
	invalidJSON
	noDone
	eventAfterDone
	usageAfterFinish
	unknownFinishReason
	unknownEventType
	reasoningOverOutput
	errorField
	notStreamed
	notUnderstood
	replayed
)

// noteNames are the names of the notes in a Record, in order.
var noteNames = [...]string{
	"unterminated_event",    // the stream ended within an event
	"invalid_json",          // what should be JSON was not
	"no_done",               // the stream ended without [DONE], though it had said everything
	"event_after_done",      // the stream went on behind its terminator
	"usage_after_finish",    // usage came behind the finish reason, with a choice beside it
	"unknown_finish_reason", // and is told as other
	"unknown_event_type",    // an event of Responses that its reference has not
	"reasoning_over_output", // the provider counts more reasoning than output
	"error_field",           // a line "error: …", which clients ignore
	"not_streamed",          // a stream was asked for, and something else came
	"body_not_understood",   // neither JSON nor events
	"replay",                // the response repeats an earlier one
}

// names lists the set.
func (n notes) names() (names []string) {
	for i, name := range noteNames {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
