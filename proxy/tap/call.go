package tap

import (
	"bytes"
	"hash/maphash"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// key is the key of every Fingerprint. All taps share it and nothing changes it,
// because attempts of one call may pass through different taps.
var key = maphash.MakeSeed()

// callEvidence gathers all that a request says of the call that it belongs to. It
// keeps hashes only.
type callEvidence struct {
	call        exchange.Call
	thread      exchange.Thread // of the head alone, until the body is read
	credentials uint64          // sum over the fields, whose order means nothing
	generated   exchange.SDK    // the SDK that the request's generator names
	json        bool
	session     bool        // the request is a message of a session
	body        *bodyReader // nil when the body has been read, and where nobody reads it
}

// bodyReader reads the body of a request. The tap lends it to an exchange whose request is on
// its way.
type bodyReader struct {
	hash   maphash.Hash // of the target and the body
	asked  conversation
	said   transcript
	thread exchange.Thread
}

func (t *Tap) borrowBodyReader() *bodyReader {
	if r, ok := t.bodyReaders.Get().(*bodyReader); ok {
		return r
	}
	return new(bodyReader)
}

// returnBodyReader gives back what reads the body of the request. It leaves nothing of the body in
// it.
func (x *Exchange) returnBodyReader() {
	if r := x.evidence.body; r != nil {
		x.evidence.body = nil
		messages := r.asked.prompt.parts.Messages
		*r = bodyReader{}
		r.asked.prompt.parts.Messages = messages[:0]
		x.tap.bodyReaders.Put(r)
	}
}

// begin hashes the target of the request, before any field of its head. The evidence keeps
// body until returnBodyReader.
func (e *callEvidence) begin(r *Request, body *bodyReader) {
	e.body = body
	hash := &body.hash
	hash.SetSeed(key)
	for _, part := range [...]string{r.Method, r.Upstream.Host, r.Path, r.Query} {
		_, _ = hash.WriteString(part) // a hash takes all of it
		_ = hash.WriteByte(0)
	}
	_ = hash.WriteByte(byte(r.Upstream.Port))
	_ = hash.WriteByte(byte(r.Upstream.Port >> 8))
}

// beginIn begins the evidence of a request that came in a session, whose own request has
// given the evidence of. What that said of its call says nothing of this one.
func (e *callEvidence) beginIn(of *callEvidence, h *dialect.Head, body *bodyReader) {
	e.begin(&Request{Method: h.Method, Path: h.Path, Query: h.Query, Upstream: h.Upstream}, body)
	e.call.Client, e.call.Agent, e.credentials = of.call.Client, of.call.Agent, of.credentials
	e.session = true
	e.thread.Marks = of.thread.Marks // those of its head
	e.beginBody()
}

// field books one field of the request's head.
func (e *callEvidence) field(name, value []byte) {
	switch f := sdk.Named(name); f.Says {
	case sdk.Identity:
		e.identify(f, value)
	case sdk.Retries, sdk.Attempt:
		e.call.Retries = f.Retried(value)
	case sdk.UserAgent:
		e.call.Client = sdk.Recognise(value)
		e.call.Agent = fingerprint(maphash.Bytes(key, value))
	case sdk.Generator:
		e.generated = f.Client
	case sdk.Credential:
		e.credentials += maphash.Bytes(key, credential(value)) ^ uint64(len(name))
	case sdk.SessionName:
		addMark(&e.thread, f.Marker, value)
	}
}

// identify books an identifier, unless the request has a stronger one.
func (e *callEvidence) identify(f sdk.Field, value []byte) {
	if len(value) > 0 && (e.call.IDSource == 0 || f.ID < e.call.IDSource) {
		e.call.ID = fingerprint(maphash.Bytes(key, value) ^ maphash.String(key, f.Name))
		e.call.IDSource = f.ID
	}
}

// headRead ends the head. The conversation in an opaque body stays unread.
func (e *callEvidence) headRead(opaque bool) {
	if e.call.Client == sdk.Unknown {
		e.call.Client = e.generated
	}
	if e.json && !opaque {
		e.beginBody()
	}
}

// beginBody begins a body of JSON.
func (e *callEvidence) beginBody() {
	e.body.thread = e.thread
	e.body.asked.begin()
	e.body.said.begin(&e.body.thread)
}

// bodyPart hashes the next bytes of the request's body.
func (e *callEvidence) bodyPart(p []byte) {
	if b := e.body; b != nil {
		_, _ = b.hash.Write(p)
		b.asked.read(p)
		b.said.read(p)
	}
}

// bodyRead ends the body. A message that leaves the question to its session is like many
// others, and evidence of nothing.
func (e *callEvidence) bodyRead() {
	e.call.Conversation = e.body.asked.prompt.fingerprint()
	if e.body.said.thread != nil {
		e.body.said.end()
		e.thread = e.body.thread
	}
	if e.session && e.call.Conversation == 0 {
		return
	}
	e.call.Request = fingerprint(e.body.hash.Sum64() + e.credentials)
}

// prompt returns the hashes of the prompt, in held; nil for a body without messages, and for one that
// is not whole. The body must be there.
func (e *callEvidence) prompt(held *heldPrompt) *exchange.Prompt {
	if e.body.asked.reading {
		return nil
	}
	p := e.body.asked.prompt.whole(held)
	if p != nil && e.credentials != 0 {
		p.Sender = fingerprint(e.credentials)
	}
	return p
}

// fingerprint makes a Fingerprint of h. It is never 0, which stands for none.
func fingerprint(h uint64) exchange.Fingerprint { return exchange.Fingerprint(max(1, h)) }

// credential returns the part of a field's value that identifies the sender: all of
// it, or the key and scope of an AWS signature, whose rest differs from attempt to
// attempt (AWS Signature Version 4, Authorization header).
func credential(value []byte) []byte {
	if bytes.HasPrefix(value, []byte("AWS4-")) {
		if end := bytes.IndexByte(value, ','); end >= 0 {
			return value[:end]
		}
	}
	return value
}

// isJSON recognises application/json and the media types built on JSON (RFC 6839,
// section 3.1).
func isJSON(contentType []byte) bool {
	if end := bytes.IndexByte(contentType, ';'); end >= 0 {
		contentType = contentType[:end]
	}
	contentType = bytes.TrimSpace(contentType)
	return exchange.EqualFold(contentType, "application/json") ||
		(len(contentType) > 5 && exchange.EqualFold(contentType[len(contentType)-5:], "+json"))
}
