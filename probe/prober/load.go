package prober

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
)

const (
	// gaugeTimeout bounds a scrape, which a canary waits for.
	gaugeTimeout = time.Second
	// gaugeAge is how long the canaries of several probes share a scrape.
	gaugeAge = time.Second
	// maxScrape bounds the metrics of a model server, in bytes.
	maxScrape = 4 << 20
)

// inFlightMetrics are the gauges that model servers have of their requests: under way and
// waiting. The names are those of vLLM, SGLang, Text Generation Inference, llama.cpp and
// Triton, as their documentation of metrics has them.
func inFlightMetrics() []string {
	return []string{
		"vllm:num_requests_running", "vllm:num_requests_waiting",
		"sglang:num_running_reqs", "sglang:num_queue_reqs",
		"tgi_batch_current_size", "tgi_queue_size",
		"llamacpp:requests_processing", "llamacpp:requests_deferred",
		"nv_inference_pending_request_count",
	}
}

// load returns the number of requests in flight at the server, the next canary included,
// and who counted.
func (w *worker) load(ctx context.Context) (float64, probe.LoadSource) {
	if w.probe.Metrics != "" {
		if n, ok := w.prober.gauges.read(ctx, w.probe.Metrics); ok {
			return n + 1, probe.ServerGauge
		}
	}
	if w.prober.config.InFlight == nil {
		return 0, ""
	}
	own := 1.0
	for _, f := range w.prober.config.InFlight() {
		if f.Upstream == w.sender.upstream.Address() && f.Model == w.probe.Model {
			own += float64(f.Requests)
		}
	}
	return own, probe.OwnInFlight
}

// gauges are the metrics of model servers, by URL.
type gauges struct {
	client http.Client
	mu     sync.Mutex
	known  map[string]*gauge
}

type gauge struct {
	mu    sync.Mutex // held during a scrape: the others wait for its result
	at    time.Time
	value float64
	ok    bool
}

func newGauges(c *tls.Config) gauges {
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSClientConfig: c,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: idleTime, TLSHandshakeTimeout: dialTimeout,
	}
	return gauges{client: http.Client{Transport: transport}, known: map[string]*gauge{}}
}

// read returns the requests in flight by the metrics at url, as of a second ago at most.
func (g *gauges) read(ctx context.Context, url string) (float64, bool) {
	g.mu.Lock()
	of := g.known[url]
	if of == nil {
		of = &gauge{}
		g.known[url] = of
	}
	g.mu.Unlock()
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.at.IsZero() || time.Since(of.at) >= gaugeAge {
		of.value, of.ok = g.scrape(ctx, url)
		of.at = time.Now()
	}
	return of.value, of.ok
}

// scrape adds up the requests in flight. It is not ok if the server does not answer, or
// with none of the metrics.
func (g *gauges) scrape(ctx context.Context, url string) (sum float64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, gaugeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, false
	}
	response, err := g.client.Do(r)
	if err != nil {
		return 0, false
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return 0, false
	}
	return sumInFlight(io.LimitReader(response.Body, maxScrape))
}

// sumInFlight adds up the metrics of inFlightMetrics in a text of the exposition format.
func sumInFlight(text io.Reader) (sum float64, ok bool) {
	names := inFlightMetrics()
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, rest, labelled := strings.Cut(lines.Text(), "{")
		if labelled {
			rest = rest[strings.LastIndexByte(rest, '}')+1:] // a label's value may have braces
		} else {
			name, rest, _ = strings.Cut(name, " ")
		}
		if !slices.Contains(names, name) {
			continue
		}
		value, _, _ := strings.Cut(strings.TrimSpace(rest), " ") // a time may follow
		v, err := strconv.ParseFloat(value, 64)
		if err == nil && v >= 0 && v < 1e9 {
			sum, ok = sum+v, true
		}
	}
	return sum, ok
}
