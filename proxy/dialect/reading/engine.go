package reading

import (
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// engine is the times that a server reports of its own work, each as it came last: some
// servers say in every message how long it took so far (llama.cpp's timings_per_token).
type engine struct{ queue, prefill, decode figure }

// times are those of a response so far, and those of the message that is read.
type times struct {
	engine, pending engine
	told            bool // pending has a time
}

// figure is a number as the server wrote it. Only the end of the response converts it.
type figure struct {
	unit   time.Duration
	length uint8
	text   [32]byte // no float64 needs more to be exact
}

// maxEngine bounds such a time. A longer one is a mistake, of units for instance.
const maxEngine = 24 * time.Hour

// set replaces a time.
func (e *engine) set(v frame.Value) {
	switch v.Field {
	case QueueMillis:
		e.queue.set(v, time.Millisecond)
	case PrefillMillis:
		e.prefill.set(v, time.Millisecond)
	case DecodeMillis:
		e.decode.set(v, time.Millisecond)
	case QueueSeconds:
		e.queue.set(v, time.Second)
	case PrefillSeconds:
		e.prefill.set(v, time.Second)
	case DecodeSeconds:
		e.decode.set(v, time.Second)
	case QueueNanos:
		e.queue.set(v, time.Nanosecond)
	case PrefillNanos:
		e.prefill.set(v, time.Nanosecond)
	case DecodeNanos:
		e.decode.set(v, time.Nanosecond)
	}
}

// merge replaces times by those of a later message.
func (e *engine) merge(later *engine) {
	for _, f := range [...]struct{ to, from *figure }{
		{&e.queue, &later.queue}, {&e.prefill, &later.prefill}, {&e.decode, &later.decode},
	} {
		if f.from.length > 0 {
			*f.to = *f.from
		}
	}
}

func (f *figure) set(v frame.Value, unit time.Duration) {
	if v.Kind == frame.Number && v.Len <= len(f.text) {
		f.unit, f.length = unit, uint8(copy(f.text[:], v.Text))
	}
}

// phase is the figure as a time: unknown if none came, or one that is negative or absurd.
func (f *figure) phase() exchange.Phase {
	if f.length == 0 {
		return exchange.Phase{}
	}
	n, err := strconv.ParseFloat(string(f.text[:f.length]), 64)
	if n *= float64(f.unit); err != nil || !(n >= 0 && n <= float64(maxEngine)) {
		return exchange.Phase{}
	}
	return exchange.Took(time.Duration(math.Round(n)))
}

// engineTimes are the times of the response. Several choices have times of their own
// each, which do not add up to times of the response.
func (d *decoder) engineTimes() exchange.Engine {
	if d.times == nil || d.crowded || bits.OnesCount16(uint16(d.seen)) > 1 {
		return exchange.Engine{}
	}
	e := &d.times.engine
	return exchange.Engine{Queue: e.queue.phase(), Prefill: e.prefill.phase(), Decode: e.decode.phase()}
}
