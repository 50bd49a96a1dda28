package prometheus

import (
	"strings"

	"github.com/headway-sidecar/headway/exporter"
)

// Name is the instrument's name in Prometheus' spelling: underscores for dots, the
// unit in full, and _total for counters, as OpenTelemetry translates names.
func Name(in *exporter.Instrument) string {
	name := underscores(in.Name)
	switch in.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	case "1":
		name += "_ratio"
	}
	if in.Kind == exporter.Counter {
		name += "_total"
	}
	return name
}

// Labels lists the names of all the instrument's labels in Prometheus' spelling.
func Labels(in *exporter.Instrument) []string {
	labels := in.AllLabels()
	for i, label := range labels {
		labels[i] = underscores(label)
	}
	return labels
}

func underscores(name string) string { return strings.ReplaceAll(name, ".", "_") }
