package tap

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// draft is a Record in the making. It has the parts of a Record that the tap learns before
// the end of the exchange, but for those that the Exchange has anyhow: most of a Record is
// empty until the end, and an open exchange should not hold that.
type draft struct {
	Origin   exchange.Origin
	Probe    string
	Mode     exchange.Mode
	Dialect  string
	Provider string

	Timing moments
	Clocks exchange.Clocks
	Bytes  exchange.Bytes
	// Overhead is that of the request and of the first chunk.
	Overhead struct{ Request, FirstChunk time.Duration }

	Advice     exchange.Advice
	TraceState string
	Span       exchange.Span
	Stream     bool
	Status     int32
	Conditions exchange.Met
	Labels     []string
	Limits     []exchange.RequestLimit
	Prompt     *exchange.Prompt // held, or nil
	held       heldPrompt
	Notes      []string
}

// moments are those of an exchange.Timing that the relay reports.
type moments struct {
	RequestRead, RequestWritten, ResponseHead, FirstChunk, LastChunk, End time.Duration
}

// soFar returns the Record as far as the tap knows it.
func (x *Exchange) soFar() exchange.Record {
	d := &x.record
	return exchange.Record{
		Start: x.start.Time(), Origin: d.Origin, Probe: d.Probe, Role: x.tap.config.Role, Mode: d.Mode,
		Dialect: d.Dialect, Operation: x.key.operation, Provider: d.Provider, Model: exchange.Model{Request: x.key.model},
		Upstream: x.head.Upstream, Stream: d.Stream, Status: int(d.Status),
		Timing: exchange.Timing{
			RequestRead: d.Timing.RequestRead, RequestWritten: d.Timing.RequestWritten, ResponseHead: d.Timing.ResponseHead,
			FirstChunk: d.Timing.FirstChunk, LastChunk: d.Timing.LastChunk, End: d.Timing.End,
		},
		Clocks: d.Clocks, Bytes: d.Bytes, Overhead: exchange.Overhead{Request: d.Overhead.Request, FirstChunk: d.Overhead.FirstChunk},
		Advice: d.Advice, Trace: x.client.trace(d.TraceState), Span: d.Span, Conditions: d.Conditions, Labels: d.Labels, Limits: d.Limits,
		Attempt: x.attempt(), Call: x.evidence.call, Thread: x.evidence.thread, Prefix: exchange.Prefix{Prompt: d.Prompt}, Notes: d.Notes,
	}
}
