package prometheus_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// crowded has so many models, each with all its series.
func crowded(t testing.TB, models int) *prometheus.Exporter {
	e := newExporter(t, prometheus.Config{Names: exporter.NewNames(models, 64)})
	for i := range models {
		r := traced(exchangetest.Stream(30))
		r.Model = exchange.Model{Request: fmt.Sprintf("model-%d", i)}
		e.Observe(r)
		e.ObserveChain(exchangetest.Recovered(r))
	}
	return e
}

// gathered is the exposition of the same families by promhttp, which gathers them whole.
func gathered(t *testing.T, e *prometheus.Exporter, accept string) string {
	t.Helper()
	all := families(t, e)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", accept)
	response := httptest.NewRecorder()
	promhttp.HandlerFor(gatherer(all), promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(response, request)
	return response.Body.String()
}

func TestAStreamedExpositionIsThatOfPromhttp(t *testing.T) {
	e := crowded(t, 100) // more series than are in memory at once
	for _, accept := range []string{text, openMetrics, openMetrics + "; escaping=dots", "text/plain; escaping=values"} {
		got, want := own(scrape(t, e, accept)), own(gathered(t, e, accept))
		if got != want || strings.Count(got, "\n") < 10_000 {
			t.Errorf("%s: %d bytes, want the %d bytes of promhttp", accept, len(got), len(want))
		}
	}
	if end := "# EOF\n"; !strings.HasSuffix(scrape(t, e, openMetrics), end) {
		t.Errorf("OpenMetrics does not end with %q", end)
	}
}

func TestAScraperMayNameFamilies(t *testing.T) {
	e := crowded(t, 2)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics?name[]=headway_requests_total&name[]=go_goroutines", nil)
	response := httptest.NewRecorder()
	e.Handler().ServeHTTP(response, request)
	for line := range strings.Lines(response.Body.String()) {
		if !strings.Contains(line, "headway_requests_total") && !strings.Contains(line, "go_goroutines") {
			t.Errorf("nobody asked for %s", line)
		}
	}
	if !strings.Contains(response.Body.String(), "headway_requests_total{") {
		t.Error("the family that was asked for is not there")
	}
}

func TestCompressionIsForScrapersThatReadIt(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	for accept, want := range map[string]string{
		"gzip": "gzip", "br, GZIP;q=0.5": "gzip", "": "", "gzip;q=0": "", "br, zstd": "", "gzip; q=0.000": "",
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept-Encoding", accept)
		response := httptest.NewRecorder()
		e.Handler().ServeHTTP(response, request)
		if got := response.Header().Get("Content-Encoding"); got != want {
			t.Errorf("asked for %q, got %q", accept, got)
		}
	}
}

// probed looks at the memory in use each time that so much was written.
type probed struct {
	http.ResponseWriter
	written, next int
	most          uint64
}

func (p *probed) Write(b []byte) (int, error) {
	if p.written += len(b); p.written > p.next {
		p.next += 4 << 20
		p.most = max(p.most, inUse())
	}
	return len(b), nil
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Gathered whole, the series of this test are 40 MB as messages.
func TestAScrapeTakesLittleMemoryHoweverManySeriesThereAre(t *testing.T) {
	e := crowded(t, 300)
	before := inUse()
	for accept, most := range map[string]uint64{text: 3 << 20, openMetrics: 3 << 20, protobuf: 6 << 20} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept", accept)
		p := &probed{ResponseWriter: httptest.NewRecorder()}
		e.Handler().ServeHTTP(p, request)
		if grown := max(p.most, before) - before; grown > most || p.most == 0 {
			t.Errorf("%s: %d bytes more in use during a scrape of %d, want at most %d", accept, grown, p.written, most)
		}
	}
	runtime.KeepAlive(e)
}

// broken takes nothing.
type broken struct{ *httptest.ResponseRecorder }

func (broken) Write([]byte) (int, error) { return 0, errors.New("the scraper left") }

func TestHalfAnExpositionIsCutOff(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way
			t.Errorf("the handler ends with %v", got)
		}
	}()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	e.Handler().ServeHTTP(broken{&httptest.ResponseRecorder{Body: new(bytes.Buffer)}}, request)
}

// gatherer gathers these families.
type gatherer map[string]*dto.MetricFamily

func (g gatherer) Gather() ([]*dto.MetricFamily, error) {
	var out []*dto.MetricFamily
	for _, name := range slices.Sorted(maps.Keys(g)) {
		out = append(out, g[name])
	}
	return out, nil
}
