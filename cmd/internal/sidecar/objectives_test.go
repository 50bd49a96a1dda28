package sidecar

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// reloaded starts a sidecar with an SLO file, puts other SLOs into the file, and returns
// what the sidecar logged at the start and then at the reload.
func reloaded(t *testing.T, before, after string, env ...string) (atStart, atReload string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "slo.yaml")
	text := func(slo string) []byte {
		return []byte("slos:\n  - name: a\n    objective: 99\n    window: 30d\n    " + slo + "\n")
	}
	if err := os.WriteFile(file, text(before), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(append([]string{"HEADWAY_UPSTREAM=https://api.openai.com", "HEADWAY_PREWARM=0", "HEADWAY_SLO_FILE=" + file}, env...))
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	s, err := New(c, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		_ = s.otlp.close(ended)
	})
	atStart = logged.String()
	logged.Reset()
	if err := s.slos.apply(text(after)); err != nil {
		t.Fatal(err)
	}
	return atStart, logged.String()
}

func TestAnSLOThatNothingCanMatchIsWarnedOfAtStartAndReload(t *testing.T) {
	const wrong, right = "match: {upstream: api.opnai.com}", "match: {upstream: api.openai.com}"
	const warning = "matches nothing: no upstream is configured so; did you mean api.openai.com?"
	for _, tt := range []struct {
		name, before, after string
		start, reload       bool
	}{
		{"wrong at first", wrong, right, true, false},
		{"wrong later", right, wrong, false, true},
		{"never wrong", right, right, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			atStart, atReload := reloaded(t, tt.before, tt.after)
			if strings.Contains(atStart, warning) != tt.start || strings.Contains(atReload, warning) != tt.reload {
				t.Errorf("at the start:\n%s\nat the reload:\n%s", atStart, atReload)
			}
		})
	}
}

func TestABudgetThatBeginsAnewIsSaid(t *testing.T) {
	const said = `msg="the error budget begins anew, because the SLO judges otherwise now" slo=a`
	for _, tt := range []struct {
		name, after string
		said        bool
	}{
		{"another limit", "good: {e2e: 8s}", true},
		{"another match", "good: {e2e: 7s}\n    match: {stream: true}", true},
		{"the same", "good: {e2e: 7s}", false},
		{"another alert alone", "good: {e2e: 7s}\n    alerting: {page: true}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, atReload := reloaded(t, "good: {e2e: 7s}", tt.after); strings.Contains(atReload, said) != tt.said {
				t.Errorf("at the reload:\n%s", atReload)
			}
		})
	}
}

func TestANewLimitIsSaidToBeNoBoundOfOTLPMetricsYet(t *testing.T) {
	const collector = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"
	const old, later = "good: {e2e: 777ms}", "good: {e2e: 778ms}"
	for _, tt := range []struct {
		name, before, after string
		env                 []string
		said                bool
	}{
		{"a new limit", old, later, []string{collector}, true},
		{"the limit of the start", old, old, []string{collector}, false},
		{"a limit that is a bound anyway", old, "good: {e2e: 10s}", []string{collector}, false},
		{"no metrics over OTLP", old, later, nil, false},
		{"histograms without explicit buckets", old, later, []string{collector, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, log := reloaded(t, tt.before, tt.after, tt.env...)
			if strings.Contains(log, "slos[0].good.e2e: 778ms is no bucket bound of the OTLP metrics yet; restart headway") != tt.said {
				t.Errorf("logged:\n%s", log)
			}
		})
	}
}
