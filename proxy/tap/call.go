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
// keeps hashes only, and allocates nothing.
type callEvidence struct {
	call        exchange.Call
	generated   exchange.SDK // the SDK that the request's generator names
	json        bool
	credentials uint64 // sum over the fields, whose order means nothing
	body        maphash.Hash
	asked       conversation
	thread      exchange.Thread
	said        transcript
	session     bool // the request is a message of a session
}

// begin hashes the target of the request, before any field of its head.
func (e *callEvidence) begin(r *Request) {
	e.body.SetSeed(key)
	for _, part := range [...]string{r.Method, r.Upstream.Host, r.Path, r.Query} {
		_, _ = e.body.WriteString(part) // a hash takes all of it
		_ = e.body.WriteByte(0)
	}
	_ = e.body.WriteByte(byte(r.Upstream.Port))
	_ = e.body.WriteByte(byte(r.Upstream.Port >> 8))
}

// beginIn begins the evidence of a request that came in a session, whose own request has
// given the evidence of. What that said of its call says nothing of this one.
func (e *callEvidence) beginIn(of *callEvidence, h *dialect.Head) {
	e.begin(&Request{Method: h.Method, Path: h.Path, Query: h.Query, Upstream: h.Upstream})
	e.call.Client, e.call.Agent, e.credentials = of.call.Client, of.call.Agent, of.credentials
	e.session = true
	e.thread.Marks = of.thread.Marks // those of its head
	e.asked.begin()
	e.said.begin(&e.thread)
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
		e.asked.begin()
		e.said.begin(&e.thread)
	}
}

// bodyPart hashes the next bytes of the request's body.
func (e *callEvidence) bodyPart(p []byte) {
	_, _ = e.body.Write(p)
	e.asked.read(p)
	e.said.read(p)
}

// bodyRead ends the body. A message that leaves the question to its session is like many
// others, and evidence of nothing.
func (e *callEvidence) bodyRead() {
	clear(e.asked.word[:]) // which is text of the body, and the exchange may last for long
	e.call.Conversation = e.asked.prompt.fingerprint()
	e.said.end()
	if e.session && e.call.Conversation == 0 {
		return
	}
	e.call.Request = fingerprint(e.body.Sum64() + e.credentials)
}

// prompt returns the hashes of the prompt; nil for a body without messages, and for one that
// is not whole.
func (e *callEvidence) prompt() *exchange.Prompt {
	if e.asked.reading {
		return nil
	}
	p := e.asked.prompt.whole()
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
