package prometheus_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const reference = "../../docs/metrics.md"

// section is a part of the metric reference.
type section struct {
	Title string
	Rows  []row
}

// row is an instrument and the settings that have it.
type row struct {
	exporter.Instrument
	Canaries bool // canaries feed it, too
	settings []exporter.SemConv
}

func TestMetricReferenceIsTheGoldenOne(t *testing.T) {
	page, err := template.New("metrics.md.tmpl").Funcs(template.FuncMap{
		"name": func(r row) string { return prometheus.Name(&r.Instrument) },
		"own": func(r row) string {
			labels := prometheus.Labels(&r.Instrument)
			return code(labels[len(labels)-len(r.Labels):])
		},
		"unit":       unit,
		"settings":   settings,
		"bounded":    bounded,
		"bounds":     bounds,
		"labels":     familyLabels,
		"outcomes":   func() string { return names(exchange.Outcomes()) },
		"indicators": indicators,
		"turns":      func() string { return names(exchange.TurnOutcomes()) },
		"chains":     func() string { return names(exchange.ChainOutcomes()) },
	}).ParseFiles("testdata/metrics.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := page.Execute(&got, sections()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, reference, got.String())
}

func sections() []section {
	out := []section{
		{Title: "Beside an application"}, {Title: "Beside a model server"},
		{Title: "About exchanges, in either place"}, {Title: "About the process"},
	}
	for _, r := range rows() {
		to := &out[2]
		switch r.Family {
		case exporter.GenAIClient, exporter.Application:
			to = &out[0]
		case exporter.GenAIServer:
			to = &out[1]
		case exporter.Process:
			to = &out[3]
		}
		to.Rows = append(to.Rows, r)
	}
	return out
}

// rows lists the instruments of all settings: those of Dup, which has the most, and then
// the others.
func rows() []row {
	var out []row
	for _, setting := range []exporter.SemConv{exporter.Dup, exporter.V01, exporter.V141} {
		for _, in := range exporter.Table(setting) {
			if slices.ContainsFunc(out, func(r row) bool { return r.Help == in.Help && r.Name == in.Name }) {
				continue
			}
			out = append(out, row{in, in.Family == exporter.AnyOrigin, settingsOf(in)})
		}
	}
	return out
}

// settingsOf lists the settings that have an instrument.
func settingsOf(in exporter.Instrument) []exporter.SemConv {
	return slices.DeleteFunc(exporter.SemConvs(), func(s exporter.SemConv) bool {
		same := func(o exporter.Instrument) bool { return o.Help == in.Help && o.Name == in.Name }
		return !slices.ContainsFunc(exporter.Table(s), same)
	})
}

// familyLabels takes a family by its name in the template.
func familyLabels(name string) string {
	family := map[string]exporter.Family{"gen_ai": exporter.GenAIClient, "traffic": exporter.Traffic}[name]
	return code(prometheus.Labels(&exporter.Instrument{Family: family}))
}

func names[T ~string](of []T) string {
	out := make([]string, len(of))
	for i, o := range of {
		out[i] = string(o)
	}
	return code(out)
}

func indicators() string {
	var out []string
	for _, i := range exchange.Indicators() {
		out = append(out, i.String())
	}
	return code(out)
}

// settings names the settings that have an instrument, if not all of them do.
func settings(r row) string {
	if len(r.settings) == len(exporter.SemConvs()) {
		return ""
	}
	return names(r.settings)
}

func unit(r row) string {
	switch r.Unit {
	case "1":
		return "ratio"
	case "s":
		return "seconds"
	case "{unit}":
		return "what is limited"
	}
	return strings.Trim(r.Unit, "{}")
}

// bounded says whether r has bounds that the page does not show at another row of its
// name.
func bounded(r row) bool { return len(r.Bounds) > 0 && slices.Contains(r.settings, exporter.Dup) }

func bounds(r row) string {
	out := make([]string, len(r.Bounds))
	for i, b := range r.Bounds {
		out[i] = strconv.FormatFloat(b, 'f', -1, 64)
	}
	return strings.Join(out, " ")
}

func code(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "` `") + "`"
}
