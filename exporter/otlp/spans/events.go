package spans

import (
	"cmp"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// event is an event at one moment of an exchange.
type event struct {
	name  string
	at    time.Duration
	wait  time.Duration      // of a stall
	by    string             // of a stall
	error exchange.ErrorType // of an error inside the stream
}

// events writes the events of r in order of time.
func (w row) events(r *exchange.Record) {
	var room [4]event
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
	stall, is := r.Stalled()
	stalled, first := event{name: stallEvent, at: stall.At, wait: stall.Wait, by: stall.By}, r.Timing.FirstToken
	if is && stall.At < first {
		to = append(to, stalled)
	}
	if first > 0 {
		to = append(to, event{name: firstTokenEvent, at: first})
	}
	if answer := r.Timing.FirstAnswer; answer > first {
		to = append(to, event{name: firstAnswerEvent, at: answer})
	}
	if is && stall.At >= first {
		to = append(to, stalled)
	}
	if r.Outcome == exchange.StreamError {
		to = append(to, event{name: streamErrorEvent, at: cmp.Or(r.Timing.Failed, r.Timing.End), error: r.ErrorType})
	}
	slices.SortStableFunc(to, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return to
}
