package openai

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Close implements dialect.Decoder.
func (d *decoder) Close() dialect.Reply {
	d.request.json.Close()
	complete := d.end()
	r := dialect.Reply{
		Ask:        d.ask(),
		Model:      d.model,
		FirstEvent: d.firstEvent,
		Events:     d.events,
		FirstToken: d.firstToken,
		LastToken:  d.lastToken,
		Chunks:     d.chunks,
		Complete:   complete,
		Failed:     d.failed || d.head.Response.Status >= 400,
		Replay:     d.replay,
		Engine:     d.engineTimes(),
	}
	asked := r.Stream
	if r.Stream = d.form == stream; asked && !r.Stream && !r.Failed && d.form != unknownForm {
		d.notes |= notStreamed
	}
	var odd notes
	if r.Stream {
		r.Usage, odd = d.tail.streamed(&d.chunks, complete)
	} else {
		r.Usage = d.tail.whole()
	}
	if d.replay {
		odd |= replayed
	}
	r.FinishReasons = d.finishReasons()
	r.Notes = (d.notes | odd).names()
	return r
}

// end ends the response and says whether it had said all it had to say.
func (d *decoder) end() bool {
	if d.form == stream {
		d.sse.Close()
		return d.endStream()
	}
	switch {
	case d.form == unknownForm:
		return d.head.Response.Status >= 400
	case d.form == opaque:
		d.notes |= notUnderstood
		return true
	case d.json.Close():
		if d.api.conclude != nil {
			d.api.conclude(d, nil)
		}
		d.book()
		return true
	case d.json.Broken(): // not cut, then, but no JSON
		d.notes |= invalidJSON
		return true
	}
	return false
}

// endStream ends a stream.
func (d *decoder) endStream() bool {
	if d.sse.ErrorField() {
		d.notes |= errorField
		d.failed = true
	}
	switch {
	case d.events == 0 && !d.done && !d.failed && d.head.Response.ContentType != "text/event-stream":
		d.form = opaque
		d.notes |= notUnderstood
		return true
	case d.done, d.over:
		return true
	case d.allEnded() && (!d.request.usage || d.tail.final):
		d.notes |= noDone
		return true
	}
	return false
}

// finishReasons lists why the choices ended, in their order.
func (d *decoder) finishReasons() (names []string) {
	for i, r := range d.reasons {
		if d.ended&(1<<i) == 0 {
			continue
		}
		if r == otherReason {
			d.notes |= unknownFinishReason
		}
		names = append(names, reasonNames[r])
	}
	return names
}
