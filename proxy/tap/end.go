package tap

import (
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Result is how an exchange ended, as the relay saw it.
type Result struct {
	At Instant
	// Status is the status that headway itself answered with, when no response of the
	// upstream reached the client; else 0.
	Status int
	// Outcome is OK when the client got the whole response, whatever the response said.
	Outcome   exchange.Outcome
	ErrorType exchange.ErrorType
	// Left is the moment at which the client ended its sending side, if that was before
	// the end of the response; else 0. Most such clients have left, and the server ends
	// its response early and politely. A few only have nothing more to ask.
	Left Instant
	// Receipt is how much of the response had reached the client when it left. It means
	// nothing of a client that did not leave.
	Receipt Receipt
}

// Receipt is how much of a response had reached its client, in bytes on the wire: the head
// and the framing of the body are part of them.
type Receipt struct {
	Known        bool  // the relay could tell
	Sent         int64 // as far as the relay has reported it by ResponseHead and Chunk
	Acknowledged int64 // of Sent, by the client's kernel
}

// End closes the exchange and calls the Observer. Only the first call counts. A
// compressed body may still be in work: then the Observer gets the Record when the
// decoder has read all of the body.
func (x *Exchange) End(result Result) {
	x.mu.Lock()
	if x.ended {
		x.mu.Unlock()
		return
	}
	x.ended = true
	x.bookEndOf(&result)
	if x.ready != 0 { // the silence that the exchange ended in
		x.bookWait(result.At)
	}
	if result.Status != 0 {
		x.record.Status = int32(result.Status)
	}
	if x.record.Mode != exchange.Upgraded {
		x.tap.flight.add(x.key, -1, -x.openStreams())
		x.tap.roster.leave(x)
	}
	x.attend(func(s *session) { s.close(result) })
	x.endSession()
	x.returnBodyReader()
	inflater := x.inflater
	x.mu.Unlock()

	finish := func() {
		defer x.tap.open.Done()
		x.observe(x.complete(result))
	}
	if inflater != nil {
		inflater.finish(finish)
		return
	}
	finish()
}

// bookEndOf books when the exchange ended. A response over HTTP ends with its last bytes or
// later; an answer in a session may have been made before they came.
func (x *Exchange) bookEndOf(result *Result) {
	result.At = x.endedAt(result.At)
	t := &x.record.Timing
	if t.End = x.offset(result.At); !x.answer {
		t.End = max(t.End, t.ResponseHead, t.LastChunk)
	}
}

// complete closes the decoder and returns the complete Record.
func (x *Exchange) complete(result Result) exchange.Record {
	x.mu.Lock()
	defer x.mu.Unlock()
	asked, reply, ok := x.closeDecoder()
	record := x.soFar()
	r := &record
	r.ArrivalClock = x.clock()
	x.bookRelay(r)
	switch {
	case ok:
		bookReply(r, reply)
		r.Stream = r.Stream || reply.Stream || (asked.Stream && (r.Status == 0 || r.Status >= 400))
		x.bookEnd(r, result, &reply)
		r.Outcome, r.ErrorType = judge(result, r, reply)
		x.bookBursts(r)
		if left := result.Left; left != 0 && r.Outcome == exchange.ClientGone && left <= x.answered {
			r.Status = 0 // nobody was there to get it
		}
	case result.Outcome == exchange.OK:
		r.Outcome, r.ErrorType = byStatus(r.Status)
	default:
		r.Outcome, r.ErrorType = result.Outcome, result.ErrorType
	}
	if ok && !x.unread && !reply.Unread {
		x.tap.habits.settle(r, x.key, !x.opaque)
	}
	if r.Outcome == exchange.ClientGone {
		r.Usage.Delivered = result.Receipt.delivered(r)
	}
	x.bookUnread(r, ok && !reply.Unread)
	r.Early = x.settle(r)
	return record
}

// bookEnd corrects what the decoder says of the end of a compressed response that the relay
// saw end well: the decoder does not know whether it got all.
func (x *Exchange) bookEnd(r *exchange.Record, result Result, reply *dialect.Reply) {
	switch {
	case result.Outcome != exchange.OK:
	case x.unread: // the end may be in the part that nobody could read
		reply.Complete = true
	case x.short: // the end is in a part that never came, unless the response has said that it ended
		reply.Complete = reply.Complete && reply.Terminated
		r.Notes = append(r.Notes, "truncated_encoding")
	}
}

// bookUnread says how much headway knows of an exchange that ended.
func (x *Exchange) bookUnread(r *exchange.Record, read bool) {
	if r.Mode != exchange.Explicit && r.Mode != exchange.Transparent {
		return
	}
	r.Unread = r.Dialect == "" || !read && r.Outcome == exchange.OK
	if r.Dialect == "" {
		r.PathClass = x.tap.paths.classOf(x.head.Path, r.Status > 0 && r.Status < 400)
	}
}

// bookRelay completes the part of the Record that needs no decoder.
func (x *Exchange) bookRelay(r *exchange.Record) {
	r.RateLimits = x.limits
	if t := &r.Timing; t.ResponseHead > 0 && t.RequestRead <= t.ResponseHead {
		// The write may return after the relay has read the answer to it.
		t.RequestWritten = min(t.RequestWritten, t.ResponseHead)
	}
	if x.chunks > 0 {
		r.Overhead.Chunk = (r.Clocks.Proxy.Sum - x.late) / time.Duration(x.chunks)
	}
}

// closeDecoder decodes the rest and returns all that the decoder understood. It is not
// ok when there is no decoder, or none any more.
func (x *Exchange) closeDecoder() (asked dialect.Ask, reply dialect.Reply, ok bool) {
	x.catchUp()
	if x.decoder != nil {
		x.guard(func() { asked, reply = x.decoder.Ask(), x.decoder.Close() })
	}
	return asked, reply, x.decoder != nil
}

// bookReply copies into the Record all that the decoder understood.
func bookReply(r *exchange.Record, reply dialect.Reply) {
	reply.Ask = exportable(reply.Ask)
	r.Dialect, r.Operation, r.Provider = reply.Dialect, reply.Operation, reply.Provider
	r.Model = exchange.Model{Request: reply.Ask.Model, Response: valid(reply.Model)}
	for i, reason := range reply.FinishReasons {
		reply.FinishReasons[i] = valid(reason)
	}
	r.FinishReasons = reply.FinishReasons
	r.Usage = reply.Usage
	r.Engine = reply.Engine
	r.Chunks = reply.Chunks
	if streamed := &r.Usage.Streamed; reply.Chunks.Count > 0 && streamed.Known && !reply.Chunks.MayHold(streamed.N) {
		*streamed = reply.Chunks.Tokens()
		r.Notes = append(r.Notes, "tokens_over_content")
	}
	r.Thread.Response, r.Thread.Calls = reply.ID, reply.Calls
	r.Events = reply.Events
	r.Timing.FirstEvent, r.Timing.Failed = reply.FirstEvent, reply.FailedAt
	r.Timing.FirstToken, r.Timing.FirstAnswer, r.Timing.LastToken = reply.FirstToken, reply.FirstAnswer, reply.LastToken
	if reply.Replay {
		r.Timing.FirstToken, r.Timing.FirstAnswer, r.Timing.LastToken = 0, 0, 0
		r.Chunks = exchange.Chunks{Count: reply.Chunks.Count}
		r.Engine = exchange.Engine{}
	}
	r.Notes = append(r.Notes, reply.Notes...)
}

// judge decides on the outcome, from the relay's and the decoder's sight of the end.
func judge(result Result, r *exchange.Record, reply dialect.Reply) (exchange.Outcome, exchange.ErrorType) {
	switch {
	case result.Outcome == exchange.OK && reply.Canceled:
		return exchange.ClientGone, exchange.ErrCanceled
	case result.Outcome == exchange.ClientGone && reply.Complete && !reply.Endless && !reply.Failed && r.Status < 400:
		// A client may hang up as soon as it has read the terminator.
		return exchange.OK, ""
	case result.Outcome == exchange.ClientGone && reply.Failed && !reply.Unended && r.Status < 400:
		// Or as soon as it has read an error, which is why it does.
		return exchange.StreamError, exchange.ErrUpstreamEvent
	case result.Outcome == exchange.OK && result.Left != 0 && !reply.Complete && r.Status < 400:
		return exchange.ClientGone, exchange.ErrCanceled
	case result.Outcome != exchange.OK:
		return result.Outcome, result.ErrorType
	case r.Status >= 400:
		return byStatus(r.Status)
	case reply.Failed:
		return exchange.StreamError, exchange.ErrUpstreamEvent
	case !reply.Complete && (r.Stream || r.Bytes.Out > 0): // a response without a body promises none
		return exchange.UpstreamCut, exchange.ErrTruncated
	}
	return exchange.OK, ""
}

// byStatus returns the outcome of a response that the client got whole.
func byStatus(status int) (exchange.Outcome, exchange.ErrorType) {
	switch {
	case status == 429 || status == 503 || status == 529:
		return exchange.Refused, exchange.ErrorType(strconv.Itoa(status))
	case status >= 400:
		return exchange.HTTPError, exchange.ErrorType(strconv.Itoa(status))
	}
	return exchange.OK, ""
}
