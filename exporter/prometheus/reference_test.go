package prometheus_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const reference = "../../docs/metrics.md"

// section is a part of the metric reference.
type section struct {
	Title string
	Rows  []exporter.Instrument
}

func TestMetricReferenceIsTheGoldenOne(t *testing.T) {
	page, err := template.New("metrics.md.tmpl").Funcs(template.FuncMap{
		"name": func(in exporter.Instrument) string { return prometheus.Name(&in) },
		"own": func(in exporter.Instrument) string {
			labels := prometheus.Labels(&in)
			return code(labels[len(labels)-len(in.Labels):])
		},
		"unit":       unit,
		"settings":   settings,
		"bounded":    bounded,
		"bounds":     bounds,
		"labels":     familyLabels,
		"outcomes":   func() string { return names(exchange.Outcomes()) },
		"indicators": indicators,
		"chains":     func() string { return names(exchange.ChainOutcomes()) },
	}).ParseFiles("testdata/metrics.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := page.Execute(&got, sections()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(reference, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s is stale: run make generate", reference)
	}
}

func sections() []section {
	out := []section{
		{Title: "Beside an application"}, {Title: "Beside a model server"},
		{Title: "About exchanges, in either place"}, {Title: "About the process"},
	}
	rows := exporter.Table(exporter.Dup)
	for _, in := range exporter.Table(exporter.Latest) {
		if !slices.ContainsFunc(rows, func(o exporter.Instrument) bool { return o.Help == in.Help && o.Name == in.Name }) {
			rows = append(rows, in)
		}
	}
	for _, in := range rows {
		to := &out[2]
		switch {
		case in.Role == exchange.Client:
			to = &out[0]
		case in.Role == exchange.Server:
			to = &out[1]
		case in.Family == exporter.Process:
			to = &out[3]
		}
		to.Rows = append(to.Rows, in)
	}
	return out
}

func familyLabels(family string) string {
	return code(prometheus.Labels(&exporter.Instrument{Family: exporter.Family(family)}))
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

// settings says which settings have an instrument, if not all of them do.
func settings(in exporter.Instrument) string {
	if len(in.SemConv) == 0 {
		return ""
	}
	return names(in.SemConv)
}

func unit(in exporter.Instrument) string {
	switch in.Unit {
	case "1":
		return "0 to 1"
	case "s":
		return "seconds"
	case "{unit}":
		return "what is limited"
	}
	return strings.Trim(in.Unit, "{}")
}

// bounded tells whether in has bounds that no other row of its name has told.
func bounded(in exporter.Instrument) bool {
	return len(in.Bounds) > 0 && (len(in.SemConv) == 0 || slices.Contains(in.SemConv, exporter.Dup))
}

func bounds(in exporter.Instrument) string {
	out := make([]string, len(in.Bounds))
	for i, b := range in.Bounds {
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
