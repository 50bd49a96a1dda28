package gemini

import (
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// The fields of parts. An API that has parts takes its own fields from Own on.
const (
	part frame.Field = reading.Own + iota
	partText
	partThought
	Call // of a tool
	Own
)

// PartPaths are the places in a part of the content.
func PartPaths() frame.Paths {
	return frame.Paths{
		"":                   part,
		".text":              partText,
		".thought":           partThought,
		".functionCall":      Call,
		".functionCall.id":   reading.ToolCallID,
		".functionCall.name": reading.Content,
		".functionCall.partialArgs.[].stringValue": reading.Content,
		".inlineData.data":                         reading.Content,
		".executableCode.code":                     reading.Content,
		".*":                                       reading.Payload,
		".*.*":                                     reading.Payload,
		".thoughtSignature":                        frame.Known,
		".codeExecutionResult":                     frame.Known, // of a tool of the provider
		".toolResponse":                            frame.Known,
		".functionResponse":                        frame.Known,
		".videoMetadata":                           frame.Known,
		".partMetadata":                            frame.Known,
	}
}

// Parts reads the parts of the messages of one exchange. An API that has parts embeds it in
// its reader.
type Parts struct {
	reading.Plain

	text    int  // length of the text of the part
	thought bool // the part is a thought
	call    bool // a tool is called, in this message
	called  bool // a tool was called, in this message or before
}

// Reset implements reading.Reader.
func (p *Parts) Reset() { *p = Parts{called: p.called} }

// Value implements reading.Reader.
func (p *Parts) Value(m *reading.Message, v frame.Value) {
	switch v.Field {
	case part:
		if v.Kind == frame.End {
			p.end(m)
		}
	case partText:
		if v.Kind == frame.String {
			p.text = v.Len
		}
	case partThought:
		p.thought = v.Kind == frame.True
	case Call:
		p.call = p.call || v.Kind == frame.Object
	}
}

// end books the text of a part, which may stand before or behind the word that calls it a
// thought.
func (p *Parts) end(m *reading.Message) {
	if p.thought {
		m.AddReasoning(p.text)
	} else {
		m.AddContent(p.text)
	}
	p.text, p.thought = 0, false
}

// EndChoice implements reading.Reader. A model that calls a tool stops like any other.
func (p *Parts) EndChoice(m *reading.Message) {
	if (p.call || p.called) && m.Reason() == reading.Stopped {
		m.End(reading.ToolCalls)
	}
}

// EndMessage implements reading.Reader.
func (p *Parts) EndMessage(*reading.Message, []byte) { p.called = p.called || p.call }

// Calls tells whether the message calls a tool.
func (p *Parts) Calls() bool { return p.call }
