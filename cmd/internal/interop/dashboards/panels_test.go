//go:build interop

package dashboards_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	stage "github.com/headway-sidecar/headway/cmd/internal/interop/dashboards"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/dashboards"
)

// silent lists the metrics that have no data beside headway demo, by the beginning of
// their names, and why. A query of one of them that has data fails the test, too.
var silent = map[string]string{
	"vllm:":     "the demo's model server is none of these engines",
	"sglang:":   "the same",
	"tgi_":      "the same",
	"llamacpp:": "the same",
	"gen_ai_server_time_per_output_token_seconds": "the demo's sidecar stands beside an application",
	"headway_scaling_signal_ratio":                "the same",
	"headway_export_queue_bytes":                  "the demo sends nothing to a collector",
	"headway_engine_pause":                        "the demo's sidecar stands beside an application",
	"headway_silence":                             "no stream of the demo is silent for ten seconds",
	"headway_chain_ambiguous_total":               "no two calls of the demo are alike",
	"headway_prompt_cache_misses_total":           "no call of the demo goes on with the one before",
	"headway_prompt_cache_lost_tokens_total":      "the same",
	`part="tool"`:                                 "the demo's application has no tools",
	`part="human"`:                                "it asks every question in a session of its own",
}

// question is a query of a panel.
type question struct{ panel, expr string }

func questions(t *testing.T, o dashboards.Options) (all []question) {
	t.Helper()
	built, err := dashboards.All(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built {
		var g struct {
			Panels []struct {
				Type, Title string
				Targets     []struct{ Expr, LegendFormat string }
			}
		}
		if err := json.Unmarshal(d.JSON, &g); err != nil {
			t.Fatal(err)
		}
		for _, p := range g.Panels {
			for _, target := range p.Targets {
				if p.Type == "heatmap" && o.Histograms == dashboards.Native { // the result is whole histograms
					target.Expr = "histogram_count(" + target.Expr + ")"
				}
				all = append(all, question{fmt.Sprintf("%s: %s (%s)", d.UID, p.Title, target.LegendFormat), filled(target.Expr)})
			}
		}
	}
	return all
}

// filled puts values in place of Grafana's variables.
func filled(query string) string {
	return strings.NewReplacer(
		"$__rate_interval", "15s", "$__range", "1m", "$namespace", "demo", "$pod", "demo-.*", "$model", ".*", "$cell", ".*", "$slo", ".*", "$role", "client|server",
	).Replace(query)
}

func TestInteropEveryPanelHasDataBesideTheDemo(t *testing.T) {
	demo := stage.StartDemo(t, interop.Build(t))
	open := slices.Concat(questions(t, dashboards.Options{Histograms: dashboards.Classic}), questions(t, dashboards.Options{Histograms: dashboards.Native}))
	if len(open) < 200 {
		t.Fatalf("%d queries", len(open))
	}
	var unexpected []question
	interop.Eventually(t, 75*time.Second, func() error {
		demo.Ask(t)
		open = slices.DeleteFunc(open, func(q question) bool {
			values, err := demo.Values(q.expr)
			if err != nil {
				t.Fatalf("%s: %v\n%s", q.panel, err, q.expr)
			}
			has := slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) })
			if has && excused(q) {
				unexpected = append(unexpected, q)
			}
			return has
		})
		var missing []error
		for _, q := range open {
			if !excused(q) {
				missing = append(missing, fmt.Errorf("%s has no data\n%s", q.panel, q.expr))
			}
		}
		return errors.Join(missing...)
	})
	for _, q := range unexpected {
		t.Errorf("%s has data: take it off the list of silent ones", q.panel)
	}
	for _, q := range open {
		t.Logf("no data: %s", q.panel)
	}
}

func excused(q question) bool {
	for name := range silent {
		if strings.Contains(q.expr, name) {
			return true
		}
	}
	return false
}
