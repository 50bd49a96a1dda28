package reading

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Close implements dialect.Decoder.
func (d *decoder) Close() dialect.Reply {
	d.begin()
	complete := d.close()
	d.giveBack()
	r := dialect.Reply{
		Ask:         d.ask(),
		Model:       d.model,
		ID:          d.id,
		Calls:       d.calls,
		FirstEvent:  d.firstEvent,
		Events:      d.events,
		FirstToken:  d.firstToken,
		LastToken:   d.lastToken,
		FirstAnswer: d.firstAnswer,
		Chunks:      d.chunks,
		Complete:    complete,
		Failed:      d.failed || d.head.Response.Status >= 400,
		Unended:     d.unended,
		FailedAt:    d.failedAt,
		Canceled:    d.canceled,
		Unread:      d.notes&(1<<NotUnderstood) != 0,
		Replay:      d.replay,
		Engine:      d.engineTimes(),
	}
	asked := r.Stream
	r.Stream = d.streams()
	if asked && !r.Stream && !r.Failed && d.form != unknownForm {
		d.notes |= 1 << NotStreamed
	}
	if r.Stream {
		r.Terminated = complete && (d.done || d.over)
		r.Endless = complete && !r.Terminated && !d.allEnded() && d.endless()
		r.Usage = d.streamedUsage(complete)
	} else {
		r.Terminated = complete && d.form == document
		r.Endless = d.form == opaque && !d.failed // sound, say
		r.Usage = d.wholeUsage()
	}
	d.boundReasoning(&r.Usage)
	if d.replay {
		d.notes |= 1 << Replay
	}
	if d.tally.strange && r.Usage.Source != exchange.Reported {
		d.notes |= 1 << UnknownUsage
	}
	r.FinishReasons = d.finishReasons()
	r.Notes = d.notes.names()
	return r
}

// Progress implements dialect.Decoder. A stream that repeats an earlier one makes none.
func (d *decoder) Progress() dialect.Progress {
	if d.replay {
		return dialect.Progress{}
	}
	return dialect.Progress{FirstToken: d.firstToken, LastToken: d.lastToken, Chunks: d.chunks.Count, Tokens: max(int64(d.chunks.Count), d.tally.counted)}
}

// Over implements dialect.Decoder.
func (d *decoder) Over() bool { return d.done || d.over }

// Waited implements dialect.Decoder.
func (d *decoder) Waited() dialect.Wait { return d.waited }

// boundReasoning bounds the reasoning by the output, of which it is a part. A provider
// that counts more is wrong about one of them, and the output is what it bills.
func (d *decoder) boundReasoning(u *exchange.Usage) {
	if u.Reasoning.Known && u.Output.Known && u.Reasoning.N > u.Output.N {
		u.Reasoning = u.Output
		d.notes |= 1 << ReasoningOverOutput
	}
}

// close ends the response and tells whether it had said all that it had to say.
func (d *decoder) close() bool {
	switch {
	case d.form == events:
		d.sse.Close()
		return d.closeStream()
	case d.form == framed:
		d.cutter.Close()
		if e, ok := d.cutter.(*frame.Elements); ok && e.Whole() {
			d.closeElements(e)
		}
		return d.closeStream()
	case d.form == unknownForm:
		return d.head.Response.Status >= 400
	case d.form == opaque:
		d.closeOpaque()
		return true
	case d.json.Close():
		d.closeDocument()
		return true
	case d.trailed && !d.api.AnyFormat: // nobody who expects JSON can read that
		d.notes |= 1 << InvalidJSON
		d.failed = true
		d.closeDocument()
		return true
	case d.json.Followed(): // by something that nobody reads
		d.notes |= 1<<InvalidJSON | 1<<NotUnderstood
		return true
	case d.json.Broken(): // so it was no JSON, rather than cut
		d.notes |= 1 << InvalidJSON
		d.failed = true
		return true
	}
	return false
}

// closeElements ends a stream that is an array. The end of the array is a terminator.
func (d *decoder) closeElements(e *frame.Elements) {
	d.over = true
	if e.Followed() {
		d.notes |= 1 << InvalidJSON
		d.fail()
	}
}

// closeOpaque ends a response that is neither JSON nor a stream. A text in its place, such as
// the page of a proxy, is no answer of an API that promises JSON.
func (d *decoder) closeOpaque() {
	of := d.head.Response.ContentType
	if d.api.Media && of != "application/json" && d.first != '<' {
		return
	}
	d.notes |= 1 << NotUnderstood
	d.failed = d.failed || isText(of, d.first) && !d.api.AnyFormat
}

// closeDocument ends a response that is one JSON document.
func (d *decoder) closeDocument() {
	d.book(nil)
	d.failed = d.failed || d.suspect
	if d.api.Operation.Generates() && !d.api.Endless && !d.failed && d.head.Response.Status < 400 && d.work.message.empty() && d.model == "" && d.unheard() {
		d.notes |= 1 << NotUnderstood
	}
}

// closeStream ends a stream.
func (d *decoder) closeStream() bool {
	if d.sse.ErrorField() {
		d.notes |= 1 << ErrorField
		d.fail()
	}
	d.blame()
	if d.suspect && d.accused == d.events && d.endless() && !d.api.AnyFormat {
		d.unended = !d.failed
		d.fail() // nothing but the end of the connection would have said that it is over
	}
	if d.strange() {
		d.notes |= 1 << NotUnderstood
		return true
	}
	switch {
	case d.events == 0 && !d.done && !d.failed && (d.sse.Stray() || d.form == events && d.head.Response.ContentType != "text/event-stream"):
		d.form = opaque
		d.closeOpaque()
		return true
	case d.done, d.over, d.endless():
		return true
	case d.allEnded() && (!d.request.usage || d.tally.final):
		if !d.api.Unterminated {
			d.notes |= 1 << NoDone
		}
		return true
	}
	if d.suspect && d.accused == d.events { // the last word of the stream was no answer
		d.unended = !d.failed
		d.fail()
	}
	return false
}

// strange tells whether the stream is of another API, so that nothing of it was read.
func (d *decoder) strange() bool {
	return d.events > 0 && !d.bare && !d.over && !d.failed && !d.suspect && d.notes&(1<<UnterminatedEvent|1<<CorruptMessage) == 0 &&
		(d.done || d.model == "") && d.unheard()
}

// unheard tells whether the response has said nothing that its API says.
func (d *decoder) unheard() bool {
	return d.ended == 0 && d.chunks.Count == 0 && d.tally.usage.known|d.tally.timedCounts() == 0 && (d.api.Single || d.seen == 0)
}

// endless tells whether no message of the stream would have said that it is over: that is
// so in an API without ends, and in a stream of text without choices.
func (d *decoder) endless() bool {
	return !d.failed && d.notes&(1<<UnterminatedEvent) == 0 &&
		(d.api.Endless || !d.api.Single && d.seen == 0 && d.chunks.Count > 0)
}

// blame finds out whether a stream failed whose terminator came before its end, and
// notes that it did.
func (d *decoder) blame() {
	if d.canceled { // an answer that the client gave up owes no reason
		return
	}
	if d.over && d.api.Single && d.ended == 0 && d.chunks.Count > 0 && !d.failed && !d.api.Endless && !d.api.Unterminated {
		d.notes |= 1 << NoFinishReason
	}
	if !d.done || d.failed || d.over || d.allEnded() {
		return
	}
	d.failed = d.suspect
	if d.seen != 0 && (!d.api.Single || d.chunks.Count > 0 && !d.api.Endless) {
		d.notes |= 1 << NoFinishReason
	}
}

// finishReasons lists why the choices ended, in their order.
func (d *decoder) finishReasons() (names []string) {
	for i, r := range d.reasons {
		if d.ended&(1<<i) == 0 {
			continue
		}
		if r == OtherReason {
			d.notes |= 1 << UnknownFinishReason
		}
		names = append(names, reasonNames[r])
	}
	return names
}
