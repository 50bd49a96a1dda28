package reading

import (
	"maps"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// The fields of requests.
const (
	AskModel      frame.Field = iota + 1
	AskStream                 // the answer is to be streamed
	AskChoices                // how many answers
	AskUsage                  // the stream is to end with the usage
	AskPrompt                 // a prompt, or a list of prompts that each get answers
	AskPromptPart             // an element of such a list

	// AskOwn is the first field that an API may give a meaning of its own.
	AskOwn frame.Field = 64
)

// The fields of responses. Each stands for every place where some API has such a value.
const (
	Model   frame.Field = iota + 1 // that answered
	Kind                           // of the message: "error" says that it failed
	Failure                        // an error, unless it is null, an empty string or the text null
	Status                         // the code of an error, unless it is 0
	Success                        // where it is false, it blames as Blame does
	Blame                          // the text of an error, or a list of them, unless an answer or its usage stands beside it

	Choice // one of several answers
	Index  // of the choice
	Finish // why the answer ended, see ReasonOf
	Delta  // what is new in the choice

	Content   // generated text, or the name or arguments of a tool call
	Reasoning // text that was generated before the answer
	Whole     // the answer so far; where there is a Delta, it only repeats
	Detail    // reasoning, once more or in place of Reasoning
	Summary   // text that another model made of the reasoning
	Payload   // a value of a delta that no other path names

	AnswerID   // by which later requests name the response
	ToolCallID // of a call of the client's tools

	Logprob // of one generated token
	TokenID // of one generated token

	InputTokens
	OutputTokens
	TotalTokens
	CachedTokens    // of the input, read from the prompt cache
	WrittenTokens   // of the input, written to it
	ReasoningTokens // of the output
	RejectedTokens  // of the output: predicted by the client and not sent
	AudioTokens     // of the input, which the count of input tokens may leave out
	ImageTokens     // of the input
	SpokenTokens    // of the output: sound
	HourTokens      // of those written to the cache: kept for an hour, and not for five minutes
	OutsideTokens   // of the input, which the count of input tokens leaves out
	StrangeTokens   // a count that no other path names

	CachedAudioTokens // of the cached ones
	CachedImageTokens // of the cached ones
	InputParts        // a list that breaks the input tokens down; each element is a Part
	CachedParts       // the same, of the cached ones
	WrittenParts      // the same, of those written to the cache
	OutputParts       // the same, of the output
	Part
	PartName   // audio, image, text; or how long the part stays in the cache
	PartTokens // of the part

	BilledSeconds // of sound, in place of tokens

	TimedInput // counts that stand beside the server's own times, or apart from the usage: without cached tokens
	TimedCached
	TimedOutput

	QueueMillis // times inside the server, as exchange.Engine has them
	PrefillMillis
	DecodeMillis
	QueueSeconds
	PrefillSeconds
	DecodeSeconds
	QueueNanos
	PrefillNanos
	DecodeNanos

	// Server is the first of the fields that only one inference server has. See
	// API.Servers.
	Server      frame.Field = 56
	Fingerprint frame.Field = 63 // of the server's version

	// Own is the first field that an API may give a meaning of its own.
	Own frame.Field = 64
)

// Under returns paths below a prefix.
func Under(prefix string, paths frame.Paths) frame.Paths {
	below := make(frame.Paths, len(paths))
	for path, field := range paths {
		below[prefix+path] = field
	}
	return below
}

// Breakdown returns the paths of a list that breaks a count down, with the keys of each part's name
// and tokens.
func Breakdown(path string, list frame.Field, name, tokens string) frame.Paths {
	return frame.Paths{path: list, path + ".[]": Part, path + ".[]." + name: PartName, path + ".[]." + tokens: PartTokens}
}

// As returns paths that all stand for one field.
func As(field frame.Field, paths frame.Paths) frame.Paths {
	same := make(frame.Paths, len(paths))
	for path := range paths {
		same[path] = field
	}
	return same
}

// Join returns all of several paths. Of those that are equal the last one counts.
func Join(all ...frame.Paths) frame.Paths {
	joined := frame.Paths{}
	for _, paths := range all {
		maps.Copy(joined, paths)
	}
	return joined
}
