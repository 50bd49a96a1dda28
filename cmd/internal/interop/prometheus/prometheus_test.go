//go:build interop

package prometheus_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const (
	ttftMetric = "gen_ai_client_operation_time_to_first_chunk_seconds"
	streams    = 30
)

func TestInteropPrometheusScrapesBothKindsOfHistogramAndExemplars(t *testing.T) {
	exe := interop.Build(t)
	sim := exe.StartSimulator(t)
	sidecar := exe.StartSidecar(t, sim.URL)
	prometheus := interop.StartPrometheus(t, sidecar.Admin)
	traces := map[string]bool{}
	for i := range streams {
		trace := fmt.Sprintf("%032x", i+1)
		traces[trace] = true
		interop.Stream(t, sidecar.URL, "scraped", 16, http.Header{"Traceparent": {"00-" + trace + "-00000000000000aa-01"}})
	}

	prometheus.EventuallyIs(t, "sum(headway_requests_total)", streams)
	prometheus.EventuallyIs(t, "sum(histogram_count("+ttftMetric+"))", streams)
	prometheus.EventuallyIs(t, "sum("+ttftMetric+"_count)", streams)
	var output int
	for _, x := range sim.Exchanges(t) {
		output += x.OutputTokens
	}
	prometheus.EventuallyIs(t, `sum(headway_tokens_total{kind="output",source="reported"})`, float64(output))
	prometheus.EventuallyIs(t, "count("+ttftMetric+")", 1)

	native := prometheus.Value(t, "histogram_quantile(0.5, sum("+ttftMetric+"))")
	classic := prometheus.Value(t, "histogram_quantile(0.5, sum by (le) ("+ttftMetric+"_bucket))")
	found := prometheus.Exemplars(t, `{__name__=~"`+ttftMetric+`(_bucket)?"}`)
	t.Logf("TTFT p50: native %.4f s, classic %.4f s; %d exemplars", native, classic, len(found))
	for trace := range found {
		if !traces[trace] {
			t.Errorf("exemplar of trace %q, which no request carried", trace)
		}
	}
	if len(found) == 0 {
		t.Error("no exemplar carries a trace id")
	}
	betweenMeasured(t, "native p50", native, 1.1, sidecar.Lines(t))
	betweenMeasured(t, "classic p50", classic, 1.5, sidecar.Lines(t))
}

// betweenMeasured fails the test unless got, a quantile of a histogram, lies between
// the least and the greatest TTFT of the lines. growth is the ratio of two neighbouring
// buckets, and so the error that the histogram may add.
func betweenMeasured(t *testing.T, name string, got, growth float64, lines []interop.CaptureLine) {
	t.Helper()
	byTTFT := func(a, b interop.CaptureLine) int { return cmp.Compare(*a.TTFT, *b.TTFT) }
	least, most := *slices.MinFunc(lines, byTTFT).TTFT, *slices.MaxFunc(lines, byTTFT).TTFT
	if !(got >= least/growth && got <= most*growth) {
		t.Errorf("%s is %v s, captured TTFT are from %v to %v s", name, got, least, most)
	}
}

func TestInteropPromtoolFindsNothingWrongWithTheMetrics(t *testing.T) {
	exe := interop.Build(t)
	sim := exe.StartSimulator(t)
	sidecar := exe.StartSidecar(t, sim.URL)
	interop.Stream(t, sidecar.URL, "checked", 16, nil)
	exposition, err := interop.Get("http://" + sidecar.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(exposition, []byte(ttftMetric+"_bucket{")) {
		t.Errorf("%s_bucket is not among the metrics:\n%s", ttftMetric, exposition)
	}
	promtool := exec.Command(interop.Tool(t, "bin/promtool"), "check", "metrics")
	promtool.Stdin = bytes.NewReader(exposition)
	if out, err := promtool.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
