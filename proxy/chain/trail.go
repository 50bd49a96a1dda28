package chain

import (
	"encoding/hex"
	"hash/maphash"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// trail holds all by which the next attempt of a call can be recognised.
type trail struct {
	id, request, conversation exchange.Fingerprint
	trace                     exchange.TraceID    // the client's, else of the Record's Span
	span                      exchange.SpanID     // the client's
	retries                   int32               // that the client counted; -1 is unknown
	model, upstream, agent    uint32              // hashes
	source                    exchange.Identifier // of id
	client                    exchange.SDK
	sampled, traced           bool // by the client; traced says that it sent a context
}

// trail returns the trail of r.
func (j *Joiner) trail(r *exchange.Record) trail {
	t := trail{
		id: r.Call.ID, source: r.Call.IDSource, request: r.Call.Request, conversation: r.Call.Conversation,
		retries: -1, client: r.Call.Client, trace: r.Span.Trace,
		model:    uint32(maphash.String(j.seed, r.Model.Request)),
		agent:    uint32(r.Call.Agent),
		upstream: uint32(maphash.String(j.seed, r.Upstream.Host)) + uint32(r.Upstream.Port),
	}
	if r.Call.Retries.Known {
		t.retries = int32(min(r.Call.Retries.N, 1<<20))
	}
	if sdk.Identifying(t.source).Says != sdk.Identity {
		t.id = 0
	}
	if n := len(r.Trace.TraceID); n == 2*len(t.trace) && len(r.Trace.SpanID) == 2*len(t.span) {
		_, _ = hex.Decode(t.trace[:], []byte(r.Trace.TraceID)) // the tap has checked both
		_, _ = hex.Decode(t.span[:], []byte(r.Trace.SpanID))
		t.sampled, t.traced = r.Trace.Sampled, true
	}
	return t
}

// apart reports whether identifiers of one field name two different calls.
func (t *trail) apart(o *trail) bool {
	return t.id != 0 && o.id != 0 && t.source == o.source && t.id != o.id
}

// alike reports whether both ask the same, as far as anybody knows.
func (t *trail) alike(o *trail) bool {
	switch {
	case t.request != 0 && t.request == o.request, t.conversation != 0 && t.conversation == o.conversation:
		return true
	}
	return t.request == 0 || o.request == 0
}

// sameClient reports whether both come from one program, as far as anybody knows. SDKs of
// one kind, and all that headway does not know, differ by their User-Agents.
func (t *trail) sameClient(o *trail) bool { return t.client == o.client && t.agent == o.agent }

// sameTrace reports whether the clients of both named the same trace.
func (t *trail) sameTrace(o *trail) bool { return t.traced && o.traced && t.trace == o.trace }

// otherTrace reports whether the clients of both named different traces.
func (t *trail) otherTrace(o *trail) bool { return t.traced && o.traced && t.trace != o.trace }
