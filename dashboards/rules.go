package dashboards

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
)

// recordedRate ends the names of recorded rates.
const recordedRate = ":rate5m"

// recorded is what the rules record of a histogram or a counter. They add up pods, so that no matcher
// of pods remains.
func recorded(m metric) metric {
	m.matchers = strings.ReplaceAll(m.matchers, `,pod=~"$pod"`, "")
	if m.pattern != "" {
		m.pattern = "headway:" + m.pattern
	} else {
		m.name = "headway:" + m.name
	}
	return m
}

// Rules renders the recording rules that dashboards with Recorded need, as a file of
// Prometheus: the rates of the series that a dashboard shows, by namespace, model and
// the labels beyond, over all pods; and a few values of each pod.
func Rules(o Options) ([]byte, error) {
	used, err := shown(o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("# Rates of histograms and counters over all pods, for headway dashboards --recorded. docs/dashboards.md explains when a fleet needs them.\n" +
		"groups:\n  - name: headway-dashboards\n    interval: 1m\n    rules:\n")
	rule := func(record, expr string) {
		fmt.Fprintf(&out, "      - record: %s\n        expr: |\n          %s\n", record, strings.ReplaceAll(expr, "\n", "\n          "))
	}
	for _, in := range exporter.Table(o.SemConv) {
		name := prometheus.Name(&in)
		for _, suffix := range o.suffixes(in.Kind) {
			if used(name + suffix) {
				rule("headway:"+name+suffix+recordedRate, sum("rate("+name+suffix+"[5m])", kept(&in, suffix)...))
			}
		}
	}
	w := writer{Options{Histograms: o.Histograms, SemConv: o.SemConv}}
	for _, p := range []perPod{podTTFT, podFailing, podBad, podRequests} {
		rule(p.record, everything(p.expr(w)))
	}
	return out.Bytes(), nil
}

// everything is a query of a dashboard without its variables, over five minutes.
func everything(expr string) string {
	expr = regexp.MustCompile(`,?\w+=~"\$\w+"`).ReplaceAllString(expr, "")
	return strings.NewReplacer("{,", "{", "{}", "", window, "[5m]", "$role", "client|server").Replace(expr)
}

// suffixes are those of the series that the rules record of an instrument.
func (o Options) suffixes(kind exporter.Kind) []string {
	switch {
	case kind == exporter.Gauge:
		return nil
	case kind == exporter.Histogram && o.Histograms != Native:
		return []string{"_bucket", "_count", "_sum"}
	default:
		return []string{""}
	}
}

// kept lists the labels of an instrument that the rules keep. They drop those of pods,
// servers and upstreams.
func kept(in *exporter.Instrument, suffix string) []string {
	labels := prometheus.Labels(in)
	keep := []string{"namespace"}
	for _, model := range []string{"model", "gen_ai_request_model"} {
		if slices.Contains(labels, model) {
			keep = append(keep, model)
		}
	}
	keep = append(keep, labels[len(labels)-len(in.Labels):]...)
	if suffix == "_bucket" {
		keep = append(keep, "le")
	}
	return keep
}

// shown returns a function that says whether a dashboard asks for the recorded rate of a
// series.
func shown(o Options) (func(name string) bool, error) {
	o.Recorded = true
	all, err := All(o)
	if err != nil {
		return nil, err
	}
	var patterns []*regexp.Regexp
	for _, d := range all {
		for _, found := range regexp.MustCompile(`headway:([\w$()|]+)`+recordedRate).FindAllStringSubmatch(string(d.JSON), -1) {
			pattern, err := regexp.Compile("^(" + strings.ReplaceAll(found[1], "$role", "client|server") + ")$")
			if err != nil {
				return nil, fmt.Errorf("reading the queries of %s: %w", d.UID, err)
			}
			patterns = append(patterns, pattern)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
	}, nil
}
