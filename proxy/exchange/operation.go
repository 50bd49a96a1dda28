package exchange

// Operation is the kind of work that a request asks of a model: gen_ai.operation.name.
// It is empty for traffic of no known dialect.
type Operation string

// The operations that the OpenTelemetry semantic conventions name. FetchResponse is in
// semantic-conventions-genai only, from its release 0.1 on; version 1.41 has all others too.
const (
	Chat            Operation = "chat"
	GenerateContent Operation = "generate_content"
	TextCompletion  Operation = "text_completion"
	Embeddings      Operation = "embeddings"
	FetchResponse   Operation = "fetch_response" // reads a stored response, or replays its stream
)

// The operations for which the conventions have no name. The conventions allow other
// values.
const (
	ImageGeneration Operation = "image_generation"
	Speech          Operation = "speech"        // text in, sound out
	Transcription   Operation = "transcription" // sound in, text out
	Rerank          Operation = "rerank"
	Moderation      Operation = "moderation"
)

// Operations lists every operation.
func Operations() []Operation {
	return []Operation{
		Chat, GenerateContent, TextCompletion, Embeddings, FetchResponse,
		ImageGeneration, Speech, Transcription, Rerank, Moderation,
	}
}

// Generates reports whether the answer to o consists of generated tokens: only then do
// TTFT, ITL and TPOT mean something. The conventions call these operations inference.
func (o Operation) Generates() bool {
	switch o {
	case Chat, GenerateContent, TextCompletion:
		return true
	}
	return false
}
