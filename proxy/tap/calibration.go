package tap

import (
	"math"
	"strings"
	"sync"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxCalibrated bounds the kinds of exchanges of which a calibration knows something: 4 KiB
// each. Beyond that it forgets the kind that was longest unused.
const maxCalibrated = 128

// calibration estimates tokens that no provider reported, by what the providers of the
// same kind of exchanges did report: tokens of output to a byte and to a chunk of content,
// and tokens of input to a byte of the request. It knows no tokenizer. It is safe for
// concurrent use, and the tap asks it at the end of an exchange only.
type calibration struct {
	mu    sync.Mutex
	kinds map[flightKey]*habits
	uses  uint64
}

// habits are the ratios of one kind of exchanges.
type habits struct {
	used                      uint64 // the calibration's uses, when it was used last
	perByte, perChunk, asking ratios
}

// settle learns from r if its provider reported its tokens, and estimates them if nobody
// did. Readable says that the tap could read the whole request.
func (c *calibration) settle(r *exchange.Record, key flightKey, readable bool) {
	switch {
	case key.model == "":
	case r.Usage.Source == exchange.Reported && r.Outcome == exchange.OK:
		c.learn(r, key, readable)
	case r.Usage.Source != exchange.Reported && r.Status/100 == 2:
		c.estimate(r, key, readable)
	}
}

// learn takes the ratios of an exchange that was reported and delivered whole. Reasoning
// that nobody sees spoils the ratio of output: nothing in the content tells how much there
// was.
func (c *calibration) learn(r *exchange.Record, key flightKey, readable bool) {
	u, content := &r.Usage, r.Chunks.Bytes()
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.habitsOf(key)
	if r.Stream && u.Output.Known && u.Output.N > 0 && content > 0 {
		output := float64(u.Output.N)
		if u.Streamed != u.Output {
			output = math.Inf(1)
		}
		h.perByte.add(output, content)
		h.perChunk.add(output, int64(r.Chunks.Count))
	}
	if readable && u.Input.Known && u.Input.N > 0 && r.Bytes.In > 0 {
		h.asking.add(float64(u.Input.N), r.Bytes.In)
	}
}

// habitsOf returns the habits of a kind, new ones if it is not known. The caller holds c.mu.
func (c *calibration) habitsOf(key flightKey) *habits {
	c.uses++
	h := c.kinds[key]
	if h == nil {
		if len(c.kinds) == maxCalibrated {
			delete(c.kinds, c.stalest())
		}
		h = new(habits)
		key.model = strings.Clone(key.model) // it may be a piece of the request's body
		c.kinds[key] = h
	}
	h.used = c.uses
	return h
}

// stalest returns the kind that was longest unused. The caller holds c.mu.
func (c *calibration) stalest() (key flightKey) {
	oldest := uint64(math.MaxUint64)
	for k, h := range c.kinds {
		if h.used < oldest {
			key, oldest = k, h.used
		}
	}
	return key
}

// estimate sets the counts of r that nobody knows, where the habits of its kind allow it.
// One token a chunk is no count but an assumption, so an estimate may replace it.
func (c *calibration) estimate(r *exchange.Record, key flightKey, readable bool) {
	u := &r.Usage
	assumed := u.Source == exchange.Counted && r.Stream && r.Chunks.Bytes() > 0 && !r.Chunks.Tokens().Known
	asked := !u.Input.Known && readable && r.Bytes.In > 0
	if !assumed && !asked {
		return
	}
	c.mu.Lock()
	known := c.kinds[key]
	if known == nil {
		c.mu.Unlock()
		return
	}
	c.uses++
	known.used = c.uses
	h := *known
	c.mu.Unlock()
	if assumed {
		estimateOutput(r, &h)
	}
	if asked {
		estimateInput(u, h.asking.of(r.Bytes.In, true))
	}
}

// estimateOutput takes the better estimate of the two, unless it agrees with the count.
func estimateOutput(r *exchange.Record, h *habits) {
	best, other := h.perByte.of(r.Chunks.Bytes(), false), h.perChunk.of(int64(r.Chunks.Count), false)
	if best.margin == 0 || other.margin > 0 && other.margin < best.margin {
		best = other
	}
	u := &r.Usage
	if best.margin == 0 || best.n == u.Output.N || !r.Chunks.MayHold(best.n) {
		return
	}
	u.Output, u.Streamed, u.Source = exchange.Known(best.n), exchange.Known(best.n), exchange.Estimated
	u.OutputMargin = best.margin
	if u.Input.Known { // the provider told it at the start of the stream
		u.InputSource = exchange.Running
	}
}

func estimateInput(u *exchange.Usage, e estimate) {
	if e.margin == 0 {
		return
	}
	u.Input, u.InputMargin, u.InputSource = exchange.Known(e.n), e.margin, exchange.Estimated
	if u.Source == exchange.Absent {
		u.Source = exchange.Estimated
	}
}
