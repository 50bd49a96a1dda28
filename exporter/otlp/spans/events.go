package spans

import (
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// stallFrom is from when on a wait inside a stream is an event.
const stallFrom = time.Second

// event is what happened at one moment of an exchange.
type event struct {
	name  string
	at    time.Duration
	wait  time.Duration      // of a stall
	by    string             // of a stall
	error exchange.ErrorType // of an error inside the stream
}

// events writes the events of r in order of time.
func (w row) events(r *exchange.Record) {
	var room [3]event
	all := happened(room[:0], r)
	events := w.Events()
	cut[ptrace.SpanEvent](events, len(all))
	for i := range all {
		if i == events.Len() {
			events.AppendEmpty()
		}
		e := events.At(i)
		e.SetName(all[i].name)
		e.SetTimestamp(at(r, all[i].at))
		w.side.clear()
		w.side.seconds(stallDuration, all[i].wait)
		w.side.str(stallBy, all[i].by)
		w.side.str(errorType, string(all[i].error))
		w.side.writeTo(e.Attributes())
	}
}

func happened(to []event, r *exchange.Record) []event {
	if r.Timing.FirstToken > 0 {
		to = append(to, event{name: firstTokenEvent, at: r.Timing.FirstToken})
	}
	if from, wait := stalled(r); wait >= stallFrom {
		_, by := longestWait(&r.Clocks)
		to = append(to, event{name: stallEvent, at: from, wait: wait, by: by})
	}
	// An error event ends its stream: what comes after it is not waited for.
	if r.Outcome == exchange.StreamError {
		to = append(to, event{name: streamErrorEvent, at: r.Timing.End, error: r.ErrorType})
	}
	return to
}

// stalled is the longest gap between two content chunks and when it began; or what
// passed after the last one until a stream broke off, if that was longer.
func stalled(r *exchange.Record) (from, wait time.Duration) {
	if wait = r.Chunks.Longest(); wait >= stallFrom {
		from = gapStart(&r.Chunks, wait)
	}
	if last := r.Timing.LastToken; last > 0 && r.Outcome != exchange.OK && r.Timing.End-last > wait {
		return last, r.Timing.End - last
	}
	return from, wait
}

// gapStart is when the first gap of that length began.
func gapStart(c *exchange.Chunks, wait time.Duration) time.Duration {
	previous, first := time.Duration(0), true
	for k := range c.All() {
		if !first && k.At-previous >= wait {
			break
		}
		previous, first = k.At, false
	}
	return previous
}
