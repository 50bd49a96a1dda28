package openai

import (
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// engine is what a server told of its own times, of each what it told last: some tell
// in every message how long it took so far (llama.cpp's timings_per_token).
type engine struct{ queue, prefill, decode figure }

// figure is a number as it was written, which is read at the end only.
type figure struct {
	unit   time.Duration
	length uint8
	text   [32]byte // no float64 needs more to be exact
}

// maxEngine bounds such a time. What is longer is a mistake, of units for instance.
const maxEngine = 24 * time.Hour

// take takes a time.
func (e *engine) take(v frame.Value) {
	switch v.Field {
	case queueMillis:
		e.queue.take(v, time.Millisecond)
	case prefillMillis:
		e.prefill.take(v, time.Millisecond)
	case decodeMillis:
		e.decode.take(v, time.Millisecond)
	case queueSeconds:
		e.queue.take(v, time.Second)
	case prefillSeconds:
		e.prefill.take(v, time.Second)
	case decodeSeconds:
		e.decode.take(v, time.Second)
	}
}

func (f *figure) take(v frame.Value, unit time.Duration) {
	if v.Kind == frame.Number && v.Len <= len(f.text) {
		f.unit, f.length = unit, uint8(copy(f.text[:], v.Text))
	}
}

// duration is 0 for what was not told, and for what is negative or absurd.
func (f *figure) duration() time.Duration {
	if f.length == 0 {
		return 0
	}
	n, err := strconv.ParseFloat(string(f.text[:f.length]), 64)
	if n *= float64(f.unit); err != nil || !(n >= 0 && n <= float64(maxEngine)) {
		return 0
	}
	return time.Duration(math.Round(n))
}

// engineTimes are those of the response. Of several choices each has its own, which
// are nobody's together.
func (d *decoder) engineTimes() exchange.Engine {
	if d.crowded || bits.OnesCount16(uint16(d.seen)) > 1 {
		return exchange.Engine{}
	}
	e := &d.engine
	return exchange.Engine{Queue: e.queue.duration(), Prefill: e.prefill.duration(), Decode: e.decode.duration()}
}
