package prober_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe"
)

// vLLM's metrics, as a scrape of its 0.6 has them, shortened.
const vllm = `# HELP vllm:num_requests_running Number of requests currently running on GPU.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m-1"} 3.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="m-1"} 2.0
# HELP vllm:num_requests_swapped Number of requests swapped to CPU.
# TYPE vllm:num_requests_swapped gauge
vllm:num_requests_swapped{model_name="m-1"} 9.0
`

func TestTheLoadIsReadFromTheServer(t *testing.T) {
	model := newServer(t, false, story)
	for name, tt := range map[string]struct {
		status int
		text   string
		load   float64
		source probe.LoadSource
	}{
		"vLLM":                         {200, vllm, 6, probe.ServerGauge},
		"vLLM with two models":         {200, vllm + "vllm:num_requests_running{model_name=\"m } 2\",engine=\"1\"} 4 1700000000000\n", 10, probe.ServerGauge},
		"SGLang":                       {200, "sglang:num_running_reqs{model_name=\"m\"} 1\nsglang:num_queue_reqs 1\n", 3, probe.ServerGauge},
		"Text Generation Inference":    {200, "tgi_batch_current_size 2\ntgi_queue_size 0\n", 3, probe.ServerGauge},
		"llama.cpp, idle":              {200, "llamacpp:requests_processing 0\nllamacpp:requests_deferred 0\n", 1, probe.ServerGauge},
		"Triton":                       {200, "nv_inference_pending_request_count{model=\"m\",version=\"1\"} 7\n", 8, probe.ServerGauge},
		"a server without such gauges": {200, "go_goroutines 7\n", 0, ""},
		"a gauge that is no number":    {200, "vllm:num_requests_running NaN\n", 0, ""},
		"a server that refuses":        {403, vllm, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.text)
			}))
			t.Cleanup(metrics.Close)
			p := directTo(model.URL)
			p.Metrics = metrics.URL + "/metrics"
			if r := send(t, direct(t, p, nil)); r.Outcome != probe.OK || r.Load != tt.load || r.LoadSource != tt.source {
				t.Errorf("outcome %s, load %v by %q; want %v by %q", r.Outcome, r.Load, r.LoadSource, tt.load, tt.source)
			}
		})
	}
}

// A server whose metrics hang holds a canary up for a second at most.
func TestMetricsThatHangAreNotWaitedFor(t *testing.T) {
	model := newServer(t, false, story)
	over := make(chan struct{})
	metrics := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	t.Cleanup(metrics.Close)
	defer close(over)
	p := directTo(model.URL)
	p.Metrics = metrics.URL
	began := time.Now()
	if r := send(t, direct(t, p, nil)); r.Outcome != probe.OK || r.LoadSource != "" || time.Since(began) > 8*time.Second {
		t.Errorf("outcome %s, load by %q after %s", r.Outcome, r.LoadSource, time.Since(began))
	}
}

func TestTheUtilizationThatAzureTells(t *testing.T) {
	for header, want := range map[string]float64{
		"57%": 0.57, "8.5%": 0.085, "0.42": 0.42, "130%": 1.3, "0%": 0, "": 0, "busy": 0, "-3%": 0, "NaN": 0, "Inf%": 0, "99999%": 0,
	} {
		t.Run(fmt.Sprintf("%q", header), func(t *testing.T) {
			model := newServer(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("azure-openai-deployment-utilization", header)
				story(w, r)
			})
			source := map[bool]probe.LoadSource{true: probe.Utilization}[want > 0]
			r := send(t, direct(t, directTo(model.URL), nil))
			if r.Outcome != probe.OK || r.Load < want-1e-9 || r.Load > want+1e-9 || r.LoadSource != source {
				t.Errorf("outcome %s, load %v by %q; want %v by %q", r.Outcome, r.Load, r.LoadSource, want, source)
			}
		})
	}
}

// The server's own count is better than a share of its capacity.
func TestAGaugeComesBeforeTheUtilization(t *testing.T) {
	model := newServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/metrics") {
			_, _ = io.WriteString(w, vllm)
			return
		}
		w.Header().Set("azure-openai-deployment-utilization", "57%")
		story(w, r)
	})
	p := directTo(model.URL)
	p.Metrics = model.URL + "/metrics"
	if r := send(t, direct(t, p, nil)); r.Load != 6 || r.LoadSource != probe.ServerGauge {
		t.Errorf("load %v by %q", r.Load, r.LoadSource)
	}
}
