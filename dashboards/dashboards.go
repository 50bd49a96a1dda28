// Package dashboards builds headway's Grafana dashboards. Go is their only source: the
// JSON in the folder grafana is what this package builds, and nobody edits it by hand.
//
// A dashboard is rows of panels, and a panel is a few lines: a title, a sentence for the
// engineer at night, a unit, and queries. Everything that all dashboards share stands in
// one place: the variables and links in board.go, how a kind of panel looks in
// grafana.go, how a query reads a histogram in promql.go.
package dashboards

//go:generate go test -run Golden -update .

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/headway-sidecar/headway/exporter"
)

// Histograms is the kind of histogram that the queries read.
type Histograms string

// The kinds. Every Prometheus has classic buckets. Native histograms have fewer series and
// finer heat maps, and need scrape_native_histograms in the scrape configuration.
const (
	Classic Histograms = "classic"
	Native  Histograms = "native"
)

// Kinds lists all kinds of histogram.
func Kinds() []Histograms { return []Histograms{Classic, Native} }

// Options says for which metrics the dashboards are built. The zero value is right for a
// sidecar with its defaults.
type Options struct {
	Histograms Histograms // empty is Classic
	// Recorded reads histograms from what Rules record, over all pods together. A large
	// fleet needs it: docs/dashboards.md has the numbers.
	Recorded bool
	SemConv  exporter.SemConv // names of gen_ai_client_*; empty is V141, and Dup has those of V141 too
}

// Dashboard is one dashboard of Grafana.
type Dashboard struct {
	UID  string // stable; Grafana's address of the dashboard, and the name of its file
	JSON []byte // indented, with a newline at its end
}

// All builds every dashboard, in the order of docs/dashboards.md. Equal options give equal
// bytes.
func All(o Options) ([]Dashboard, error) {
	var all []Dashboard
	for _, b := range boards(o) {
		built, err := b.build()
		if err != nil {
			return nil, fmt.Errorf("building the dashboard %s: %w", b.uid, err)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false) // queries hold < and >
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(built); err != nil {
			return nil, fmt.Errorf("encoding the dashboard %s: %w", b.uid, err)
		}
		all = append(all, Dashboard{b.uid, text.Bytes()})
	}
	return all, nil
}

// boards lists the dashboards.
func boards(o Options) []board {
	q := writer{o}
	all := []board{
		overview(q), objectives(q), streams(q), retries(q), agents(q), tokens(q), canary(q), fleet(q), engines(q), itself(q),
	}
	for i := range all {
		all[i].recorded = o.Recorded
	}
	return all
}
