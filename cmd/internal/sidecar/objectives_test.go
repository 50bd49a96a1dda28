package sidecar

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// sloFile is the text of a file with one SLO.
func sloFile(slo string) []byte {
	return []byte("slos:\n  - name: a\n    objective: 99\n    window: 30d\n    " + slo + "\n")
}

// reloaded starts a sidecar with an SLO file, puts other SLOs into the file, and returns
// what the sidecar logged at the start and then at the reload.
func reloaded(t *testing.T, before, after string) (atStart, atReload string) {
	t.Helper()
	s, logged := reloadable(t, before)
	atStart = logged.String()
	logged.Reset()
	if err := s.slos.apply(sloFile(after)); err != nil {
		t.Fatal(err)
	}
	return atStart, logged.String()
}

// reloadable starts a sidecar with an SLO file. It returns the sidecar, and what it logs.
func reloadable(t *testing.T, before string, env ...string) (*Sidecar, *bytes.Buffer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "slo.yaml")
	if err := os.WriteFile(file, sloFile(before), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(append([]string{"HEADWAY_UPSTREAM=https://api.openai.com", "HEADWAY_PREWARM=0", "HEADWAY_SLO_FILE=" + file}, env...))
	if err != nil {
		t.Fatal(err)
	}
	logged := new(bytes.Buffer)
	s, err := New(c, slog.New(slog.NewTextHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		_ = s.otlp.close(ended)
	})
	return s, logged
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

// A limit that comes with a reload is a bucket bound of the OTLP metrics without a restart.
func TestANewLimitBecomesABoundOfOTLPMetrics(t *testing.T) {
	points := make(chan pmetric.HistogramDataPoint, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if p, ok := e2eIn(t, r); ok {
			points <- p
		}
	}))
	defer collector.Close()
	s, _ := reloadable(t, "good: {e2e: 777ms}", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta")
	flush := func() {
		if err := s.otlp.metrics.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		limit     string
		want, not float64
	}{
		{"777ms", .777, .778},
		{"778ms", .778, .777},
	} {
		if err := s.slos.apply(sloFile("good: {e2e: " + tt.limit + "}")); err != nil {
			t.Fatal(err)
		}
		flush() // the last request with the bounds of before
		s.otlp.metrics.Observe(exchangetest.Plain())
		flush()
		p := <-points
		if bounds := p.ExplicitBounds().AsRaw(); p.Count() != 1 || !slices.Contains(bounds, tt.want) || slices.Contains(bounds, tt.not) {
			t.Errorf("with the limit %s, %d exchanges by bounds of %v; want one", tt.limit, p.Count(), bounds)
		}
	}
}

// e2eIn returns the histogram of E2E, if the request has one with an exchange.
func e2eIn(t *testing.T, r *http.Request) (p pmetric.HistogramDataPoint, ok bool) {
	t.Helper()
	request := pmetricotlp.NewExportRequest()
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, request.UnmarshalProto(body)); err != nil {
		t.Errorf("a request that nobody can read: %v", err)
		return p, false
	}
	for _, m := range request.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "gen_ai.client.operation.duration" {
			return m.Histogram().DataPoints().At(0), true
		}
	}
	return p, false
}
