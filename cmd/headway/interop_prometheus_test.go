//go:build interop

package main_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	ttftMetric = "gen_ai_client_operation_time_to_first_chunk_seconds"
	streams    = 30
)

func TestInteropPrometheusScrapesBothKindsOfHistogramAndExemplars(t *testing.T) {
	exe := build(t)
	sim := exe.startSimulator(t)
	sidecar := exe.startSidecar(t, sim.url)
	prometheus := startPrometheus(t, sidecar.admin)
	traces := map[string]bool{}
	for i := range streams {
		trace := fmt.Sprintf("%032x", i+1)
		traces[trace] = true
		stream(t, sidecar.url, "scraped", 16, http.Header{"Traceparent": {"00-" + trace + "-00000000000000aa-01"}})
	}

	prometheus.eventuallyIs(t, "sum(headway_requests_total)", streams)
	prometheus.eventuallyIs(t, "sum(histogram_count("+ttftMetric+"))", streams)
	prometheus.eventuallyIs(t, "sum("+ttftMetric+"_count)", streams)
	var output int
	for _, x := range sim.exchanges(t) {
		output += x.OutputTokens
	}
	prometheus.eventuallyIs(t, `sum(headway_tokens_total{kind="output",source="reported"})`, float64(output))
	prometheus.eventuallyIs(t, "count("+ttftMetric+")", 1)

	native := prometheus.value(t, "histogram_quantile(0.5, sum("+ttftMetric+"))")
	classic := prometheus.value(t, "histogram_quantile(0.5, sum by (le) ("+ttftMetric+"_bucket))")
	found := prometheus.exemplars(t, `{__name__=~"`+ttftMetric+`(_bucket)?"}`)
	t.Logf("TTFT p50: native %.4f s, classic %.4f s; %d exemplars", native, classic, len(found))
	for trace := range found {
		if !traces[trace] {
			t.Errorf("exemplar of trace %q, which no request carried", trace)
		}
	}
	if len(found) == 0 {
		t.Error("no exemplar carries a trace id")
	}
	betweenMeasured(t, "native p50", native, 1.1, sidecar.lines(t))
	betweenMeasured(t, "classic p50", classic, 1.5, sidecar.lines(t))
}

// betweenMeasured fails unless the quantile of a histogram whose buckets grow by
// growth lies among the TTFT that were captured.
func betweenMeasured(t *testing.T, name string, got, growth float64, lines []captureLine) {
	t.Helper()
	byTTFT := func(a, b captureLine) int { return cmp.Compare(*a.TTFT, *b.TTFT) }
	least, most := *slices.MinFunc(lines, byTTFT).TTFT, *slices.MaxFunc(lines, byTTFT).TTFT
	if !(got >= least/growth && got <= most*growth) {
		t.Errorf("%s is %v s, captured TTFT are from %v to %v s", name, got, least, most)
	}
}

func TestInteropPromtoolFindsNothingWrongWithTheMetrics(t *testing.T) {
	exe := build(t)
	sim := exe.startSimulator(t)
	sidecar := exe.startSidecar(t, sim.url)
	stream(t, sidecar.url, "checked", 16, nil)
	exposition, err := get("http://" + sidecar.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(exposition, []byte(ttftMetric+"_bucket{")) {
		t.Errorf("%s_bucket is not among the metrics:\n%s", ttftMetric, exposition)
	}
	promtool := exec.Command(tool(t, "bin/promtool"), "check", "metrics")
	promtool.Stdin = bytes.NewReader(exposition)
	if out, err := promtool.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// prometheusServer is a real Prometheus that scrapes one sidecar.
type prometheusServer struct{ api string }

const scrapeConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: headway
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs:
      - targets: [%q]
`

func startPrometheus(t *testing.T, target string) prometheusServer {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, scrapeConfig, target), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, tool(t, "bin/prometheus"),
		"--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address,
		"--enable-feature=exemplar-storage")
	p := prometheusServer{api: "http://" + address + "/api/v1/"}
	p.eventuallyIs(t, "up", 1)
	return p
}

// query returns the only value of an instant query.
func (p prometheusServer) query(promql string) (float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := getJSON(p.api+"query?query="+url.QueryEscape(promql), &answer); err != nil {
		return 0, err
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("%s has %d results", promql, len(answer.Data.Result))
	}
	return strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
}

func (p prometheusServer) value(t *testing.T, promql string) float64 {
	t.Helper()
	v, err := p.query(promql)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (p prometheusServer) eventuallyIs(t *testing.T, promql string, want float64) {
	t.Helper()
	eventually(t, 20*time.Second, func() error {
		got, err := p.query(promql)
		if err == nil && got != want {
			err = fmt.Errorf("%s is %v, want %v", promql, got, want)
		}
		return err
	})
}

// exemplars are the trace ids of the exemplars of a selector's series.
func (p prometheusServer) exemplars(t *testing.T, selector string) map[string]int {
	t.Helper()
	var answer struct {
		Data []struct {
			Exemplars []struct {
				Labels map[string]string `json:"labels"`
			} `json:"exemplars"`
		} `json:"data"`
	}
	query := url.Values{
		"query": {selector},
		"start": {strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)},
		"end":   {strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)},
	}
	if err := getJSON(p.api+"query_exemplars?"+query.Encode(), &answer); err != nil {
		t.Fatal(err)
	}
	traces := map[string]int{}
	for _, series := range answer.Data {
		for _, exemplar := range series.Exemplars {
			if labels := slices.Sorted(maps.Keys(exemplar.Labels)); !slices.Contains(labels, "trace_id") {
				t.Errorf("exemplar has labels %s and no trace_id", strings.Join(labels, ", "))
			}
			traces[exemplar.Labels["trace_id"]]++
		}
	}
	return traces
}
