package production

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Learner makes cells of captured requests, for teams without a load test: those of each
// probe, and those of production by their lengths, each by how many were in flight. It keeps
// some 60 bytes of each request. It is not safe for concurrent use.
type Learner struct {
	traffic map[learned]*traffic
	flying  map[string]*traffic // of all requests of a model
	newest  time.Time
	leftOut report.LeftOut
}

// learned says whose requests make a row of cells. The probe of production is empty.
type learned struct{ model, probe string }

// Lesson is what a Learner made, and what it made nothing of.
type Lesson struct {
	Baseline  baseline.Baseline
	First     time.Time // of the requests
	Last      time.Time
	Requests  int // in cells
	Few       int // answered, but too few like them for a cell
	Failed    int
	Uncounted int // answered, and nobody counted the tokens
}

// NewLearner returns a Learner that has seen nothing.
func NewLearner() *Learner {
	return &Learner{traffic: map[learned]*traffic{}, flying: map[string]*traffic{}}
}

// Add adds one line. It ignores lines of calls and whatever is no answer of a model.
func (l *Learner) Add(line capture.Line) {
	canary := line.Origin == string(exchange.Canary)
	if line.Kind != "" || line.Model.Request == "" || !exchange.Operation(line.Operation).Generates() || !canary && l.leftOut.Skip(&line) {
		return
	}
	if line.Start.After(l.newest) {
		l.newest = line.Start
	}
	key := learned{line.Model.Request, line.Probe}
	if l.traffic[key] == nil {
		l.traffic[key] = &traffic{}
	}
	l.traffic[key].add(&line)
	all := l.flying[line.Model.Request]
	if all == nil {
		all = &traffic{}
		l.flying[line.Model.Request] = all
	}
	all.fly(&line)
}

// alike is a class of requests that become one cell. Lengths are alike within 1.4 times,
// loads within twice.
type alike struct {
	stream                bool
	input, output, flight int
}

// leastOfCell is the fewest requests of which a median says anything.
const leastOfCell = 30

// Learn makes cells of the requests of the last hours before the newest one. File names the
// captures.
func (l *Learner) Learn(last time.Duration, file string) Lesson {
	var out Lesson
	since := l.newest.Add(-last)
	for _, of := range l.flying {
		of.sortTimes()
	}
	for _, key := range slices.SortedFunc(maps.Keys(l.traffic), func(a, b learned) int {
		return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.probe, b.probe))
	}) {
		of, flying := l.traffic[key], l.flying[key.model]
		out.Failed += of.failed
		out.Uncounted += of.uncounted
		classes := map[alike]*belonging{}
		for r := range of.all() {
			if r.start < since.UnixNano() {
				continue
			}
			inFlight := flying.inFlight(r.start)
			class := alike{r.Stream, class(r.input, .5), class(r.Output, .5), class(float32(inFlight), 1)}
			if key.probe != "" { // whose requests are meant to be alike
				class.input, class.output = 0, 0
			}
			if classes[class] == nil {
				classes[class] = &belonging{}
			}
			classes[class].requests = append(classes[class].requests, r)
			classes[class].inFlight += inFlight
		}
		out.add(key, classes, file)
	}
	out.Baseline.Identify()
	return out
}

// class is the number of the class of x, whose classes are so many octaves wide. The middle
// of one is a power of two.
func class(x float32, octaves float64) int {
	return int(math.Round(math.Log2(float64(max(x, 1))) / octaves))
}

// add adds the cells of the classes with enough requests.
func (o *Lesson) add(key learned, classes map[alike]*belonging, file string) {
	for _, class := range slices.SortedFunc(maps.Keys(classes), compareClasses) {
		of := classes[class]
		if len(of.requests) < leastOfCell {
			o.Few += len(of.requests)
			continue
		}
		cell := of.cell(key, class.stream, file)
		if len(cell.Indicators) == 0 {
			o.Few += len(of.requests)
			continue
		}
		o.Baseline.Cells = append(o.Baseline.Cells, cell)
		o.Requests += len(of.requests)
		for _, r := range of.requests {
			at := time.Unix(0, r.start).UTC()
			if o.First.IsZero() || at.Before(o.First) {
				o.First = at
			}
			if at.After(o.Last) {
				o.Last = at
			}
		}
	}
}

func compareClasses(a, b alike) int {
	if a.stream != b.stream {
		if a.stream {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.input, b.input), cmp.Compare(a.output, b.output), cmp.Compare(a.flight, b.flight))
}

// cell sums up the requests. Its prompts are without cached tokens, which cost the server
// next to nothing.
func (b *belonging) cell(key learned, stream bool, file string) baseline.Cell {
	mean := b.inFlight / float64(len(b.requests))
	c := baseline.Cell{
		Model: key.model, Stream: new(stream), Requests: baseline.Requests{OK: len(b.requests)},
		InputTokens:  baseline.Length{Mean: b.mean(func(r *request) float32 { return r.input })},
		OutputTokens: baseline.Length{Mean: max(1, b.mean(func(r *request) float32 { return r.Output }))},
		Load:         baseline.Load{Kind: baseline.Concurrency, Value: max(1, math.Round(mean)), MeanConcurrency: &mean},
		Source:       baseline.Source{Tool: "headway", File: file}, Indicators: map[baseline.Name]baseline.Indicator{},
	}
	first := slices.MinFunc(b.requests, func(a, b *request) int { return cmp.Compare(a.start, b.start) })
	c.Source.Started = time.Unix(0, first.start).UTC().Format(time.RFC3339)
	for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
		d := baseline.Own(name, baseline.Usage)
		if values, why := b.sample(name, d, nil); why == "" && values.Count() >= leastOfCell {
			c.Indicators[name] = values.Indicator(d)
		}
	}
	c.Flag(baseline.Learned, baseline.NoErrors)
	if len(b.requests) < baseline.Needed {
		c.Flag(baseline.FewSamples)
	}
	if key.probe == "" {
		c.Flag(baseline.MixedWorkloads)
	}
	return c
}
