package reading

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// request reads the body of a request.
type request struct {
	json    *frame.JSON // nil before the body, and once it has been read
	shape   *frame.Shape
	begun   bool
	reader  Reader // nil where the API has no fields of its own
	model   string
	stream  answer
	usage   bool  // the stream is to end with the usage
	choices int64 // for each prompt; 0 if the request does not say how many
	prompts int64 // in a list
}

// answer is what a request says to a question.
type answer uint8

const (
	unsaid answer = iota
	yes
	no
)

// feed reads the next bytes of the body. Nothing behind the document means anything.
func (r *request) feed(p []byte) {
	if !r.begun {
		json := frame.NewJSON(r.shape, r)
		r.json, r.begun = &json, true
	}
	if r.json == nil {
		return
	}
	if r.json.Feed(p); r.json.Whole() || r.json.Broken() {
		r.json = nil
	}
}

// Value implements frame.ValueSink.
func (r *request) Value(v frame.Value) {
	switch v.Field {
	case AskModel:
		if v.Kind == frame.String {
			r.model = string(v.Text)
		}
	case AskStream:
		r.stream = no
		if v.Kind == frame.True {
			r.stream = yes
		}
	case AskUsage:
		r.usage = v.Kind == frame.True
	case AskChoices:
		r.choices, _ = v.Int()
	case AskPrompt, AskPromptPart:
		r.readPrompt(v)
	default:
		r.reader.Ask(v)
	}
}

// readPrompt counts the prompts of a list. A list of numbers is one prompt, as tokens.
func (r *request) readPrompt(v frame.Value) {
	if v.Field == AskPromptPart && (v.Kind == frame.String || v.Kind == frame.Array) {
		r.prompts++
	}
	if r.reader != nil {
		r.reader.Ask(v)
	}
}

// answers is how many choices the response must have.
func (r *request) answers() int64 {
	if r.prompts > MaxChoices || r.choices > MaxChoices {
		return MaxChoices
	}
	return max(1, r.prompts) * max(1, r.choices)
}

// ask is what the request asks for, as far as it was read.
func (d *decoder) ask() dialect.Ask {
	a := dialect.Ask{
		Dialect:   d.api.Name,
		Operation: d.api.Operation,
		Provider:  d.provider,
		Model:     d.request.model,
		Stream:    d.asksStream(),
	}
	if d.server != "" && a.Provider == d.api.Unnamed {
		a.Provider = d.server
	}
	if a.Model == "" && d.api.PathModel != nil {
		a.Model = d.api.PathModel(d.head)
	}
	if a.Model == "" {
		a.Model = d.head.Model
	}
	return a
}

// asksStream tells whether the request asks for a stream.
func (d *decoder) asksStream() bool {
	switch {
	case d.replay, d.streamed, d.request.stream == yes:
		return true
	}
	return d.api.StreamsUnasked && d.request.stream == unsaid
}
