package watch

import (
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
	"github.com/headway-sidecar/headway/probe/drift"
)

// traffic is the production of one model beside what the load test predicts for each request.
type traffic struct {
	yard     *yardstick
	tracks   []*track
	measures []measure
	judged   []time.Time // when each track last compared a request
	stream   *bool       // whether the load test streamed
}

func newTraffic(model string, y *yardstick, settings drift.Settings) *traffic {
	t := &traffic{yard: y, judged: make([]time.Time, len(indicators)), measures: make([]measure, len(indicators)), stream: y.cells[0].Stream}
	for i, name := range indicators {
		one := &track{source: Production, model: model, indicator: name, outside: "no request has come yet"}
		t.tracks = append(t.tracks, one)
		read, why := y.reads(name)
		if why != "" {
			one.outside = why
			continue
		}
		w, err := drift.NewWitness(settings)
		if err != nil {
			one.outside = outside(err)
			continue
		}
		one.detector, t.measures[i] = w, read
	}
	return t
}

// reads returns how the load test measures an indicator.
func (y *yardstick) reads(name baseline.Name) (read measure, why string) {
	if y.model == nil {
		return nil, outside(y.why)
	}
	if name == baseline.E2E { // it is predicted from TTFT and TPOT, which end with the last token
		read, why := production.Measure(name, baseline.Definition{Stop: baseline.LastContent, Over: baseline.Request})
		return read, why
	}
	for i := range y.cells {
		if of, has := y.cells[i].Indicators[name]; has {
			read, why := production.Measure(name, of.Definition)
			return read, why
		}
	}
	return nil, "the baseline has no " + string(name)
}

// unjudged is how long a track may compare nothing before it says so.
const unjudged = 15 * time.Minute

// observe takes a request under so much load. Not compared are requests whose lengths
// nobody counted, those of another way to answer, and TTFT behind hidden reasoning.
func (t *traffic) observe(e *event, load float64) {
	if !e.length.known || t.stream != nil && *t.stream != e.times.Stream {
		return
	}
	r := drift.Request{Prompt: e.length.prompt, Cached: e.length.cached, Output: e.length.output, Load: load}
	for i, one := range t.tracks {
		if one.detector == nil || one.indicator == baseline.TTFT && e.hidden {
			continue
		}
		latency := float64(t.measures[i](&e.times))
		if latency <= 0 {
			continue
		}
		predicted, err := t.yard.predict(one.indicator, r)
		switch {
		case err == nil:
			one.outside, t.judged[i] = "", e.end
			one.detector.Observe(e.end, latency/predicted)
		case e.end.Sub(t.judged[i]).Abs() > unjudged:
			one.outside = outside(err)
		}
	}
}
