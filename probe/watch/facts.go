package watch

import (
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline/production"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// event is what Run needs to know of an exchange or a run: numbers and names, no content.
type event struct {
	start, end time.Time
	model      string // of the request
	answered   string // the model that answered
	times      production.Times
	length     length
	prose      prose
	hidden     bool // reasoning came before the first token that was streamed

	// Of a canary alone.
	probe       string
	outcome     probe.Outcome
	calibrating bool
	load        float64 // requests in flight; 0 is unknown
	counted     bool    // by the server
	fingerprint string
}

// length is that of an exchange, in tokens. Known says that the upstream counted them.
type length struct {
	prompt, cached, output int
	known                  bool
}

// prose describes an answer. 0 is unknown, and reasoning below 0 too.
type prose struct {
	characters int // bytes, which are characters in English
	chunks     int
	streamed   int // tokens in the chunks
	reasoning  float64
}

func factsOf(r *exchange.Record) event {
	u := &r.Usage
	e := event{
		start: r.Start, end: r.Start.Add(r.Timing.End), model: r.Model.Request, answered: r.Model.Response,
		times: production.TimesOf(r),
		length: length{
			prompt: int(u.Input.N), cached: int(u.CacheRead.N), output: int(u.Output.N),
			known: u.Input.Known && u.Output.Known && u.Source != exchange.Estimated && u.SourceOfInput() != exchange.Estimated,
		},
		prose:  prose{reasoning: -1},
		hidden: r.Hidden() > 0,
	}
	if u.Source != exchange.Reported {
		return e // only the upstream's own count says anything about its model
	}
	if r.Stream && u.Streamed.Known {
		e.prose.characters, e.prose.chunks, e.prose.streamed = int(r.Chunks.Bytes()), r.Chunks.Count, int(u.Streamed.N)
	}
	if u.Reasoning.Known && u.Output.N > 0 {
		e.prose.reasoning = min(1, float64(u.Reasoning.N)/float64(u.Output.N))
	}
	return e
}

func factsOfRun(r *probe.Run) event {
	e := factsOf(&r.Record)
	if !r.Record.Start.IsZero() {
		e.start = r.Record.Start
	} else {
		e.start, e.end = r.At, r.At
	}
	e.probe, e.model, e.outcome, e.calibrating, e.fingerprint = r.Probe.Name, r.Probe.Model, r.Outcome, r.Calibrating, r.Fingerprint
	if r.LoadSource != probe.Utilization { // which is a share, and no number of requests
		e.load, e.counted = r.Load, r.LoadSource == probe.ServerGauge
	}
	return e
}
