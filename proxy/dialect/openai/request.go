package openai

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// request reads the body of a request.
type request struct {
	json    frame.JSON
	model   string
	stream  bool
	usage   bool  // asked for usage in the stream
	count   int64 // of choices; 0 if not told
	echo    bool  // the answer begins with the prompt
	prompts int   // told as text or as tokens
	prompt  int   // length of the last one that is text, in bytes
}

// Value implements frame.ValueSink.
func (r *request) Value(v frame.Value) {
	switch v.Field {
	case askModel:
		if v.Kind == frame.String {
			r.model = string(v.Text)
		}
	case askStream:
		r.stream = v.Kind == frame.True
	case askUsage:
		r.usage = v.Kind == frame.True
	case askEcho:
		r.echo = v.Kind == frame.True
	case askCount:
		r.count, _ = v.Int()
	case askPrompt, askPromptPart:
		if v.Kind == frame.String {
			r.prompt = v.Len
		}
		if v.Kind == frame.String || v.Field == askPromptPart {
			r.prompts++
		}
	}
}

// promptLen is the length of the prompt, if there is one only and it is text.
func (r *request) promptLen() (n int, ok bool) {
	return r.prompt, r.prompts == 1 && r.prompt > 0
}

// ask tells what is known of the request.
func (d *decoder) ask() dialect.Ask {
	a := dialect.Ask{
		Dialect:   d.api.name,
		Operation: d.api.operation,
		Provider:  provider(d.head),
		Model:     d.request.model,
		Stream:    d.request.stream,
	}
	if a.Model == "" {
		a.Model = deployment(d.head)
	}
	if d.replay {
		a.Stream = streamed(d.head)
	}
	return a
}
