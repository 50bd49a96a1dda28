//go:build interop

package otel_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// added is the total of a series: the number of samples and their sum. For a counter,
// the sum is its value.
type added struct {
	count uint64
	sum   float64
}

// compareMetrics fails the test unless the metrics in the requests have the totals that
// follow from the lines, series by series.
func compareMetrics(t *testing.T, lines []tracedLine, requests []pmetric.Metrics, temporality string) {
	t.Helper()
	if len(requests) == 0 {
		t.Fatal("no metrics arrived")
	}
	got := sums(t, requests, temporality)
	for name, want := range counted(lines) {
		for _, series := range slices.Sorted(maps.Keys(want)) {
			g, w := got[name][series], want[series]
			if g.count != w.count || math.Abs(g.sum-w.sum) > 1e-6*float64(1+w.count) {
				t.Errorf("%s{%s}: %d samples add up to %v, in the capture %d to %v", name, series, g.count, g.sum, w.count, w.sum)
			}
		}
		for series, g := range got[name] {
			if _, ok := want[series]; !ok && g != (added{}) {
				t.Errorf("%s{%s}: %+v is of no line", name, series, g)
			}
		}
	}
}

// seriesLabels returns the metrics that the test compares. For each it has the
// attributes that distinguish its series here.
func seriesLabels() map[string][]string {
	return map[string][]string{
		"gen_ai.client.operation.duration":            {"gen_ai.request.model", "error.type"},
		"gen_ai.client.operation.time_to_first_chunk": {"gen_ai.request.model"},
		"gen_ai.client.token.usage":                   {"gen_ai.request.model", "gen_ai.token.type"},
		"headway.time_per_output_token":               {"gen_ai.request.model", "model"},
		"headway.requests":                            {"model", "outcome"},
		"headway.attempts":                            {"model", "joined_by"},
	}
}

// counted returns the totals of each metric and series that follow from the lines.
func counted(lines []tracedLine) map[string]map[string]added {
	all := map[string]map[string]added{}
	for name := range seriesLabels() {
		all[name] = map[string]added{}
	}
	sample := func(name string, v float64, labels ...string) {
		series := strings.Join(labels, ",")
		a := all[name][series]
		all[name][series] = added{a.count + 1, a.sum + v}
	}
	count := func(name string, labels ...string) {
		series := strings.Join(labels, ",")
		all[name][series] = added{0, all[name][series].sum + 1}
	}
	for _, l := range lines {
		model := l.Model.Request
		sample("gen_ai.client.operation.duration", l.E2E, model, l.ErrorType)
		if l.TTFT > 0 {
			sample("gen_ai.client.operation.time_to_first_chunk", l.TTFT, model)
		}
		if l.TPOT > 0 {
			sample("headway.time_per_output_token", l.TPOT, model)
		}
		if l.Tokens.Source == "reported" {
			if n := l.Tokens.Input; n != nil {
				sample("gen_ai.client.token.usage", float64(*n), model, "input")
			}
			if n := l.Tokens.Output; n != nil {
				sample("gen_ai.client.token.usage", float64(*n), model, "output")
			}
		}
		count("headway.requests", model, l.Outcome)
		joined := l.Chain.JoinedBy
		if joined == "" {
			joined = "first"
		}
		count("headway.attempts", model, joined)
	}
	return all
}

// sums returns the totals of each metric and series in the requests: the sums of all
// requests with deltas, or else the last value of each series.
func sums(t *testing.T, requests []pmetric.Metrics, temporality string) map[string]map[string]added {
	t.Helper()
	want := pmetric.AggregationTemporalityCumulative
	if temporality == "delta" {
		want = pmetric.AggregationTemporalityDelta
	}
	compared := seriesLabels()
	all := map[string]map[string]map[string]added{} // metric, series, all its attributes
	for _, request := range requests {
		for _, m := range metricsOf(request) {
			labels, ok := compared[m.Name()]
			if !ok {
				continue
			}
			if got := temporalityOf(m); got != want {
				t.Fatalf("%s is %s, not %s", m.Name(), got, want)
			}
			for attributes, v := range points(m) {
				series, whole := labelled(attributes, labels), interop.InJSON(attributes.AsRaw())
				if all[m.Name()] == nil {
					all[m.Name()] = map[string]map[string]added{}
				}
				if all[m.Name()][series] == nil {
					all[m.Name()][series] = map[string]added{}
				}
				before := all[m.Name()][series][whole]
				if temporality != "delta" {
					before = added{}
				}
				all[m.Name()][series][whole] = added{before.count + v.count, before.sum + v.sum}
			}
		}
	}
	return folded(all)
}

// folded adds up the series that the test does not distinguish.
func folded(all map[string]map[string]map[string]added) map[string]map[string]added {
	sums := map[string]map[string]added{}
	for name, series := range all {
		sums[name] = map[string]added{}
		for key, parts := range series {
			var a added
			for _, p := range parts {
				a.count += p.count
				a.sum += p.sum
			}
			sums[name][key] = a
		}
	}
	return sums
}

func metricsOf(request pmetric.Metrics) []pmetric.Metric {
	var all []pmetric.Metric
	for _, of := range request.ResourceMetrics().All() {
		for _, in := range of.ScopeMetrics().All() {
			for _, m := range in.Metrics().All() {
				all = append(all, m)
			}
		}
	}
	return all
}

func temporalityOf(m pmetric.Metric) pmetric.AggregationTemporality {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().AggregationTemporality()
	}
	return pmetric.AggregationTemporalityUnspecified
}

// points returns the data points of a counter or a histogram.
func points(m pmetric.Metric) map[pcommon.Map]added {
	all := map[pcommon.Map]added{}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			v := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				v = float64(p.IntValue())
			}
			all[p.Attributes()] = added{sum: v}
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			all[p.Attributes()] = added{p.Count(), p.Sum()}
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			all[p.Attributes()] = added{p.Count(), p.Sum()}
		}
	}
	return all
}

func labelled(attributes pcommon.Map, labels []string) string {
	var values []string
	for _, label := range labels {
		if v, ok := attributes.Get(label); ok {
			values = append(values, v.AsString())
		} else if label == "error.type" {
			values = append(values, "")
		}
	}
	return strings.Join(values, ",")
}
