package dashboards

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	client "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

const (
	scrapeEvery = 30 * time.Second
	// recent is the part of the span for which Fleet has buckets: only rules read them, over
	// five minutes.
	recent = 10 * time.Minute
	// ways is how many different courses a series takes, one for each pod in turn.
	ways = 8
)

// Fleet is what a Prometheus holds of many pods after a while: the series of one sidecar,
// for each model and each pod, as if scraped every 30 s.
type Fleet struct {
	Pods, Models int
	Span         time.Duration
	End          time.Time
	Names        func(name string) bool // names of the series to keep
}

// line is a series of the sidecar that the others are made from.
type line struct {
	of      labels.Labels
	value   float64
	rises   bool
	buckets bool
}

// Write writes the fleet as a block into the folder data of a Prometheus. metrics is a scrape
// of the sidecar, others are lists of metrics of programs beside it, as in
// dashboards/testdata/others.txt. It returns the number of series.
func (f Fleet) Write(data string, metrics, others []byte) (int, error) {
	lines, err := f.lines(metrics)
	if err != nil {
		return 0, err
	}
	lines = append(lines, f.engines(others)...)
	var series []stored
	for _, l := range lines {
		var courses [ways][]chunks.Meta
		for way := range courses {
			if courses[way], err = f.course(l, way); err != nil {
				return 0, err
			}
		}
		for pod := range f.Pods {
			for _, of := range f.labels(l, pod) {
				series = append(series, stored{of, courses[pod%ways]})
			}
		}
	}
	return len(series), block(data, 1, series)
}

// labels returns the labels of l on a pod, for each model if l is about one.
func (f Fleet) labels(l line, pod int) []labels.Labels {
	b := labels.NewBuilder(l.of)
	b.Set("namespace", "prod").Set("pod", fmt.Sprintf("chat-%03d", pod))
	b.Set("job", "headway").Set("instance", fmt.Sprintf("10.0.%d.%d:8481", pod/250, pod%250))
	all := []labels.Labels{b.Labels()}
	for k := 1; k < f.Models; k++ {
		about := false
		for _, name := range []string{"model", "gen_ai_request_model", "gen_ai_response_model"} {
			if v := l.of.Get(name); v != "" {
				about = true
				b.Set(name, fmt.Sprintf("%s-%d", v, k))
			}
		}
		if !about {
			break
		}
		all = append(all, b.Labels())
	}
	return all
}

// course returns the samples of one of the courses of l. Counters rise in the same rhythm, in
// proportion to their value, so that the buckets of a histogram stay in order.
func (f Fleet) course(l line, way int) ([]chunks.Meta, error) {
	random := rand.New(rand.NewPCG(uint64(way), 15)) //nolint:gosec // the same data each time
	span, passed := f.Span, 0.0
	if l.buckets {
		span = recent
	}
	offset := time.Duration(way) * scrapeEvery / ways
	var times []int64
	for at := f.End.Add(offset - span); at.Before(f.End); at = at.Add(scrapeEvery) {
		times = append(times, at.UnixMilli())
	}
	return encoded(times, func(int) float64 {
		v := l.value * (0.8 + 0.4*random.Float64())
		if l.rises {
			passed += 0.5 + random.Float64()
			v = l.value * (1 + passed)
		}
		if l.value == math.Trunc(l.value) {
			return math.Round(v)
		}
		return v
	})
}

// lines reads a scrape.
func (f Fleet) lines(metrics []byte) ([]line, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
	if err != nil {
		return nil, fmt.Errorf("reading a scrape: %w", err)
	}
	var all []line
	for name, family := range families {
		rises := family.GetType() == client.MetricType_COUNTER
		for _, m := range family.GetMetric() {
			var of []string
			for _, pair := range m.GetLabel() {
				of = append(of, pair.GetName(), pair.GetValue())
			}
			if h := m.GetHistogram(); h != nil {
				for _, b := range h.GetBucket() {
					all = f.keep(all, line{named(name+"_bucket", append(of, "le", edge(b.GetUpperBound()))...), float64(b.GetCumulativeCount()), true, true})
				}
				all = f.keep(all, line{named(name+"_count", of...), float64(h.GetSampleCount()), true, true})
				all = f.keep(all, line{named(name+"_sum", of...), h.GetSampleSum(), true, true})
				continue
			}
			all = f.keep(all, line{named(name, of...), m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue(), rises, false})
		}
	}
	return all, nil
}

// engines makes series of the metrics that model servers have, one server a pod. No rule
// reads their histograms.
func (f Fleet) engines(others []byte) (all []line) {
	for text := range strings.Lines(string(others)) {
		words := strings.Fields(text)
		if len(words) < 2 || words[0] == "#" || strings.HasPrefix(words[0], "process_") {
			continue
		}
		var of []string
		for _, label := range words[2:] {
			of = append(of, label, "sim")
		}
		if words[1] == "histogram" {
			for i := range 20 {
				all = f.keep(all, line{named(words[0]+"_bucket", append(of, "le", edge(math.Ldexp(0.001, i)))...), float64(5 * i), true, false})
			}
			all = f.keep(all, line{named(words[0]+"_bucket", append(of, "le", "+Inf")...), 100, true, false})
			continue
		}
		all = f.keep(all, line{named(words[0], of...), 7, words[1] == "counter", false})
	}
	return all
}

// keep adds l if its name is one of f.Names.
func (f Fleet) keep(all []line, l line) []line {
	if f.Names(l.of.Get(model.MetricNameLabel)) {
		return append(all, l)
	}
	return all
}

func named(name string, of ...string) labels.Labels {
	return labels.FromStrings(append([]string{model.MetricNameLabel, name}, of...)...)
}

// edge is the bound of a bucket as Prometheus 3 stores it.
func edge(bound float64) string {
	text := strconv.FormatFloat(bound, 'g', -1, 64)
	if !strings.ContainsAny(text, ".eI") {
		text += ".0"
	}
	return text
}

// Recorded is a series that a rule records, as it is at the end.
type Recorded struct {
	Labels map[string]string
	Value  float64
}

// WriteRecorded writes the course of recorded series as the block of that number.
func (f Fleet) WriteRecorded(data string, number int, all []Recorded) error {
	var series []stored
	for _, r := range all {
		samples, err := f.course(line{value: r.Value}, number%ways)
		if err != nil {
			return err
		}
		series = append(series, stored{labels.FromMap(r.Labels), samples})
	}
	return block(data, number, series)
}
