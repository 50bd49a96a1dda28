package live

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// waterfallChunks bounds the arrivals that a waterfall tells one by one.
const waterfallChunks = 4000

// Waterfall is one exchange step by step, as GET /api/v1/exchanges/{id} tells it. Offsets are
// from its start.
type Waterfall struct {
	Exchange
	Steps   []Step    `json:"steps"`            // in order of time
	Arrived []float64 `json:"arrived_ms"`       // offset of each content chunk, of the first 4000
	Chunks  int       `json:"chunks"`           // of content
	Stall   *Stall    `json:"stall,omitempty"`  // the longest pause inside the stream, from 1 s up
	ITL     *ITL      `json:"itl,omitempty"`    // quantiles
	Engine  []Part    `json:"engine,omitempty"` // the server's own times
	Waited  []Part    `json:"waited"`           // who waited for whom
	Slept   Seconds   `json:"elapsed_s"`        // from the first attempt of the call to this one
	Joined  string    `json:"joined_by,omitempty"`
	Bytes   Bytes     `json:"bytes"`
}

// Step is a moment of an exchange.
type Step struct {
	Name string  `json:"name"`
	At   Seconds `json:"at_s"`
}

// Part is a share of the time of an exchange.
type Part struct {
	Name string  `json:"name"`
	Took Seconds `json:"took_s"`
}

// Stall is the longest pause inside a stream.
type Stall struct {
	At   Seconds `json:"at_s"`
	Wait Seconds `json:"wait_s"`
	By   string  `json:"by"` // upstream, proxy, client
}

// ITL has quantiles of the stream's inter-token latency.
type ITL struct {
	P50 Seconds `json:"p50_s"`
	P99 Seconds `json:"p99_s"`
	Max Seconds `json:"max_s"`
}

// Bytes counts the bytes of the two bodies.
type Bytes struct {
	Request  int64 `json:"request"`
	Response int64 `json:"response"`
}

func (v *View) waterfall(s *seen) Waterfall {
	w := Waterfall{
		Exchange: v.exchange(s), Steps: steps(&s.Timing), Arrived: []float64{}, Chunks: s.Chunks.Count, Engine: engine(&s.Engine),
		Waited: []Part{
			{"upstream", Seconds(s.Clocks.Upstream.Sum)}, {"headway", Seconds(s.Clocks.Proxy.Sum)}, {"client", Seconds(s.Clocks.Client.Sum)},
		},
		Slept: Seconds(s.Attempt.Elapsed), Joined: s.Attempt.JoinedBy, Bytes: Bytes{s.Bytes.In, s.Bytes.Out},
	}
	for k := range s.Chunks.All() {
		if len(w.Arrived) == waterfallChunks {
			break
		}
		w.Arrived = append(w.Arrived, float64(k.At.Microseconds())/1e3)
	}
	if pause, ok := s.Stalled(); ok {
		w.Stall = &Stall{Seconds(pause.At), Seconds(pause.Wait), pause.By}
	}
	if q, ok := s.ITL(); ok {
		w.ITL = &ITL{Seconds(q.P50), Seconds(q.P99), Seconds(q.Max)}
	}
	return w
}

// steps lists the moments of an exchange that happened.
func steps(t *exchange.Timing) []Step {
	out := []Step{{"request head", 0}}
	for _, step := range []struct {
		name string
		at   time.Duration
	}{
		{"request read", t.RequestRead},
		{"request sent", t.RequestWritten},
		{"response head", t.ResponseHead},
		{"first byte", t.FirstChunk},
		{"first event", t.FirstEvent},
		{"first token", t.FirstToken},
		{"first answer", t.FirstAnswer},
		{"error", t.Failed},
		{"last token", t.LastToken},
		{"end", t.End},
	} {
		if step.at > 0 {
			out = append(out, Step{step.name, Seconds(step.at)})
		}
	}
	return out
}

// engine lists the times that the model server told.
func engine(e *exchange.Engine) []Part {
	var out []Part
	for _, part := range []struct {
		name  string
		phase exchange.Phase
	}{{"queue", e.Queue}, {"prefill", e.Prefill}, {"decode", e.Decode}} {
		if part.phase.Known {
			out = append(out, Part{part.name, Seconds(part.phase.Time)})
		}
	}
	return out
}
