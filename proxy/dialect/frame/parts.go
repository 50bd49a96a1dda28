package frame

// Parts cuts a stream whose bytes come in AWS event stream messages that end anywhere:
// Amazon SageMaker passes on the body of a model server in that way (PayloadPart of
// InvokeEndpointWithResponseStream). The body is a stream of server-sent events or of
// lines; its first byte says which.
type Parts struct {
	messages *EventStream
	sink     EventSink
	body     interface {
		Feed(p []byte)
		Close()
	}
}

// NewParts returns a reader at the start of a stream. It hands the events of the body to
// sink, and those of messages that report a failure.
func NewParts(sink EventSink) *Parts {
	p := &Parts{sink: sink}
	p.messages = NewEventStream(p)
	return p
}

// Feed reads the next bytes of the stream.
func (p *Parts) Feed(b []byte) { p.messages.Feed(b) }

// Close ends the stream.
func (p *Parts) Close() {
	p.messages.Close()
	if p.body != nil {
		p.body.Close()
	}
}

// Data implements EventSink: it reads the next bytes of the body.
func (p *Parts) Data(b []byte) {
	if p.body == nil {
		if b = space(b); len(b) == 0 {
			return
		}
		p.body = p.open(b[0])
	}
	p.body.Feed(b)
}

// open returns the reader of a body that begins with c.
func (p *Parts) open(c byte) interface {
	Feed(p []byte)
	Close()
} {
	if c == '{' || c == '[' {
		return NewLines(p.sink)
	}
	events := NewSSE(p.sink)
	return &events
}

// Event implements EventSink: a message has ended, which says nothing of the body.
func (p *Parts) Event(e Event) {
	if e.Failed || e.Corrupt {
		p.sink.Event(e)
	}
}
