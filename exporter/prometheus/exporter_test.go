package prometheus_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/exportertest"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const (
	text        = "text/plain"
	openMetrics = "application/openmetrics-text; version=1.0.0"
	protobuf    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

func TestExpositionIsTheGoldenOne(t *testing.T) {
	tests := []struct {
		golden, accept string
		config         prometheus.Config
		records        []exchange.Record
	}{
		{"client.prom", text, prometheus.Config{Live: exportertest.Live()}, []exchange.Record{slow(exchangetest.Stream(4)), refused(), exchangetest.Unread()}},
		{"server.prom", text, prometheus.Config{}, []exchange.Record{beside(exchange.Server, exchangetest.Stream(4)), beside(exchange.Server, refused())}},
		{"exemplars.openmetrics", openMetrics, prometheus.Config{}, []exchange.Record{traced(exchangetest.Stream(4))}},
		{
			"v0.1.prom", text, prometheus.Config{SemConv: exporter.V01, Histograms: prometheus.Classic},
			[]exchange.Record{counted(exchangetest.Stream(4)), refused(), exchangetest.Embeddings()},
		},
		{"native.prom", text, prometheus.Config{Histograms: prometheus.Native}, []exchange.Record{exchangetest.Stream(4)}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			// Exemplars carry the time of the exchange's end: a bubble's clock makes it the same every time.
			synctest.Test(t, func(t *testing.T) {
				e := newExporter(t, tt.config)
				for _, r := range tt.records {
					e.Observe(r)
				}
				golden.Check(t, filepath.Join("testdata", tt.golden), own(scrape(t, e, tt.accept)))
			})
		})
	}
}

func TestExpositionOfChainsIsTheGoldenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{Histograms: prometheus.Classic})
		e.ObserveChain(exchangetest.Recovered(exchangetest.Stream(4)))
		e.ObserveChain(exchange.Chain{Outcome: exchange.FirstTry, Attempts: 1, TTFT: 214 * time.Millisecond, E2E: time.Second, Last: exchangetest.Stream(4)})
		var chains strings.Builder
		for line := range strings.Lines(own(scrape(t, e, text))) {
			if strings.Contains(line, "chain") || strings.Contains(line, "retry") {
				chains.WriteString(line)
			}
		}
		golden.Check(t, "testdata/chains.prom", chains.String())
	})
}

// What happens to an open stream counts at once, and not again with its Record.
func TestExpositionOfOpenStreamsIsTheGoldenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{Histograms: prometheus.Classic})
		e.ObserveInterim(exchangetest.Interim(exchangetest.Stream(4), 6*time.Minute))
		e.ObserveInterim(exchange.Interim{Of: exchangetest.Stream(4), Tokens: 3})
		told := exchangetest.Stream(4)
		told.Early.Tokens = 3
		e.Observe(told)
		e.Observe(exchangetest.Silent())
		e.ObserveInterim(exchangetest.EnginePause(exchangetest.Stream(4), 2*time.Second))
		e.ObserveInterim(exchangetest.Interim(exchangetest.Canary(exchangetest.Stream(4)), time.Minute))
		var open strings.Builder
		for line := range strings.Lines(own(scrape(t, e, text))) {
			if strings.Contains(line, "silence") || strings.Contains(line, "engine_pause") || strings.Contains(line, "output_tokens") {
				open.WriteString(line)
			}
		}
		golden.Check(t, "testdata/open.prom", open.String())
	})
}

func TestCanariesMakeNoChains(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	c := exchangetest.Recovered(exchangetest.Stream(4))
	c.Last.Origin = exchange.Canary
	e.ObserveChain(c)
	for name := range families(t, e) {
		if strings.Contains(name, "chain") {
			t.Errorf("a canary shows in %s", name)
		}
	}
}

// Times of sealed exchanges are near the truth, and stay out of the exact ones.
func TestSealedExchangesMixWithNothing(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	e.Observe(exchangetest.Sealed(exchangetest.Stream(4)))
	exposition := scrape(t, e, text)
	for _, name := range []string{"headway_sealed_requests_total", "headway_sealed_time_to_first_burst_seconds_count", "headway_sealed_gap_seconds_count"} {
		if !strings.Contains(exposition, "\n"+name+"{") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"headway_requests_total", "headway_inter_token_latency_seconds_count", "headway_stall_seconds_count"} {
		if strings.Contains(exposition, "\n"+name+"{") {
			t.Errorf("a sealed exchange shows in %s", name)
		}
	}
}

func TestExpositionHasNoLint(t *testing.T) {
	e := newExporter(t, prometheus.Config{Live: exportertest.Live(), SemConv: exporter.Dup})
	for _, role := range []exchange.Role{exchange.Client, exchange.Server} {
		e.Observe(exchangetest.Limited(exchangetest.Uncached(exchangetest.Priced(beside(role, counted(attempted(slow(traced(exchangetest.Stream(4))))))))))
		e.Observe(exchangetest.Unpriced(beside(role, refused())))
		e.Observe(beside(role, exchangetest.Unread()))
		e.Observe(beside(role, exchangetest.Silent()))
		e.ObserveInterim(exchangetest.EnginePause(exchangetest.Stream(4), 2*time.Second))
		e.ObserveChain(exchangetest.Recovered(beside(role, traced(exchangetest.Stream(4)))))
		e.ObserveTurn(exchangetest.Turn(beside(role, traced(exchangetest.Stream(4)))))
		e.Observe(exchangetest.Sealed(beside(role, exchangetest.Stream(4))))
		e.Observe(exchangetest.Canary(beside(role, exchangetest.Stream(4))))
	}
	exposition := scrape(t, e, text)
	for _, name := range slices.Concat(metricsOfThePage, roleMetrics, olderMetrics, newerMetrics) {
		if !strings.Contains(exposition, "# TYPE "+name+" ") {
			t.Errorf("%s is not exposed, so that nothing looked at it", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(exposition)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHandlerServesWhatTheScraperAsksFor(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	e.Observe(traced(exchangetest.Stream(4)))
	for accept, want := range map[string]string{text: "text/plain", openMetrics: "application/openmetrics-text", protobuf: "application/vnd.google.protobuf"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept", accept)
		request.Header.Set("Accept-Encoding", "gzip")
		response := httptest.NewRecorder()
		e.Handler().ServeHTTP(response, request)
		if got := response.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("asked for %s, got %s", accept, got)
		}
		body, err := gzip.NewReader(response.Body)
		if err != nil {
			t.Fatalf("%s is not compressed: %v", want, err)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestHistogramsTakeTheFormThatIsConfigured(t *testing.T) {
	tests := []struct {
		form            prometheus.Histograms
		classic, native bool
	}{
		{prometheus.Classic, true, false},
		{prometheus.Native, false, true},
		{prometheus.Both, true, true},
		{"", true, true},
	}
	for _, tt := range tests {
		t.Run(string(tt.form), func(t *testing.T) {
			e := newExporter(t, prometheus.Config{Histograms: tt.form})
			e.Observe(exchangetest.Stream(4))
			h := families(t, e)["headway_inter_token_latency_seconds"].GetMetric()[0].GetHistogram()
			if got := len(h.GetBucket()) > 0; got != tt.classic {
				t.Errorf("classic buckets: %v", got)
			}
			if got := h.Schema != nil && len(h.GetPositiveSpan()) > 0; got != tt.native {
				t.Errorf("native buckets: %v", got)
			}
			if h.GetSampleCount() != 3 || h.GetCreatedTimestamp() == nil {
				t.Errorf("%d samples, created %v", h.GetSampleCount(), h.GetCreatedTimestamp())
			}
		})
	}
}

func TestCanariesStayOutOfTheTraffic(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	r := traced(exchangetest.Stream(4))
	r.Origin, r.Probe = exchange.Canary, "chat-short"
	r.RateLimits = []exchange.RateLimit{{Kind: "requests", Limit: exchange.Known(5)}}
	e.Observe(r)
	got := slices.DeleteFunc(slices.Sorted(maps.Keys(families(t, e))), func(name string) bool {
		return !strings.HasPrefix(name, "gen_ai_") && !strings.HasPrefix(name, "headway_")
	})
	want := []string{
		"headway_build_info", "headway_probe_duration_seconds", "headway_probe_time_per_output_token_seconds",
		"headway_probe_time_to_first_token_seconds", "headway_proxy_overhead_seconds", "headway_ratelimit_limit",
	}
	if !slices.Equal(got, want) {
		t.Errorf("a canary shows in %q, want %q", got, want)
	}
}

func TestModelsBeyondTheBoundShareASeries(t *testing.T) {
	e := newExporter(t, prometheus.Config{Names: exporter.NewNames(3, 64)})
	for i := range 20 {
		r := exchangetest.Plain()
		r.Model = exchange.Model{Request: fmt.Sprintf("model-%d", i)}
		e.Observe(r)
	}
	counts := map[string]float64{}
	for _, m := range families(t, e)["headway_requests_total"].GetMetric() {
		counts[label(m, "model")] = m.GetCounter().GetValue()
	}
	want := map[string]float64{"model-0": 1, "model-1": 1, "model-2": 1, exporter.Other: 17}
	if !maps.Equal(counts, want) {
		t.Errorf("requests by model %v, want %v", counts, want)
	}
}

func TestExemplarIsTheLargestSampleOfATracedExchange(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	e.Observe(traced(exchangetest.Stream(4)))
	h := families(t, e)["gen_ai_client_operation_time_per_output_chunk_seconds"].GetMetric()[0].GetHistogram()
	var classic []*dto.Exemplar
	for _, b := range h.GetBucket() {
		if b.Exemplar != nil {
			classic = append(classic, b.Exemplar)
		}
	}
	for form, got := range map[string][]*dto.Exemplar{"classic": classic, "native": h.GetExemplars()} {
		if len(got) != 1 || got[0].GetValue() != .0195 || got[0].GetLabel()[0].GetValue() != traced(exchangetest.Plain()).Trace.TraceID {
			t.Errorf("%s exemplars %v, want the gap of 19.5 ms", form, got)
		}
	}
	e.Observe(exchangetest.Stream(4))
	if h := families(t, e)["headway_stall_seconds"].GetMetric()[0].GetHistogram(); len(h.GetExemplars()) > 1 {
		t.Errorf("an exchange without trace left exemplars %v", h.GetExemplars())
	}
}

func TestExemplarsStayFew(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	for i := range 40 {
		r := traced(exchangetest.Plain())
		r.Timing.End = time.Millisecond << (i % 14)
		e.Observe(r)
	}
	h := families(t, e)["gen_ai_client_operation_duration_seconds"].GetMetric()[0].GetHistogram()
	if n := len(h.GetExemplars()); n != 10 {
		t.Errorf("%d exemplars of 14 different buckets, want 10", n)
	}
}

func TestNothingIsLostWhenManyObserveWhileOthersScrape(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	const writers, each = 4, 50
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for j := range each {
				r := exchangetest.Stream(5)
				r.Model.Request = fmt.Sprintf("model-%d", (i+j)%3)
				e.Observe(r)
			}
		})
		all.Go(func() { scrape(t, e, protobuf) })
	}
	all.Wait()
	requests, gaps := 0.0, uint64(0)
	for _, m := range families(t, e)["headway_requests_total"].GetMetric() {
		requests += m.GetCounter().GetValue()
	}
	for _, m := range families(t, e)["headway_inter_token_latency_seconds"].GetMetric() {
		gaps += m.GetHistogram().GetSampleCount()
	}
	if requests != writers*each || gaps != writers*each*4 {
		t.Errorf("%v requests and %d gaps, want %d and %d", requests, gaps, writers*each, writers*each*4)
	}
}

// scrape returns the exposition. It only calls Errorf, so that any goroutine may call it.
func scrape(t *testing.T, e *prometheus.Exporter, accept string) string {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", accept)
	response := httptest.NewRecorder()
	e.Handler().ServeHTTP(response, request)
	if response.Code != http.StatusOK {
		t.Errorf("status %d: %s", response.Code, response.Body)
	}
	return response.Body.String()
}

// own returns the lines about headway. The lines of the runtime differ with every run.
func own(exposition string) string {
	var out strings.Builder
	for line := range strings.Lines(exposition) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, "gen_ai_") || strings.HasPrefix(name, "headway_") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// families returns the metrics as a scraper of protobuf reads them.
func families(t *testing.T, e *prometheus.Exporter) map[string]*dto.MetricFamily {
	t.Helper()
	decoder := expfmt.NewDecoder(strings.NewReader(scrape(t, e, protobuf)), expfmt.NewFormat(expfmt.TypeProtoDelim))
	out := map[string]*dto.MetricFamily{}
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out[f.GetName()] = &f
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// slow is r with the verdict of an SLO that limits TTFT.
func slow(r exchange.Record) exchange.Record {
	r.Verdicts = []exchange.Verdict{{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.TTFT)}}
	return r
}

func beside(role exchange.Role, r exchange.Record) exchange.Record {
	r.Role = role
	return r
}

// attempted is r as the second attempt of a chain.
func attempted(r exchange.Record) exchange.Record {
	r.Attempt = exchange.Attempt{Chain: 1, Number: 2, JoinedBy: "fingerprint"}
	return r
}

// refused is turned away by a limit that the upstream told.
func refused() exchange.Record {
	r := exchangetest.Refused()
	r.RateLimits = []exchange.RateLimit{{
		Kind: "tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(120), Reset: 41 * time.Second,
	}}
	return r
}

// counted is r with every count of tokens that a provider may report.
func counted(r exchange.Record) exchange.Record {
	r.Usage.CacheWrite, r.Usage.Reasoning = exchange.Known(64), exchange.Known(2)
	return r
}
