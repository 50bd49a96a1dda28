//go:build interop

package prometheus_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// The queries of docs/promql.md, word for word, on traffic in which there is something
// for each to find: streams, one of which stalls, and a refused call.
func TestInteropQueriesOfTheDocsFindWhatHappened(t *testing.T) {
	exe := interop.Build(t)
	sim := exe.StartSimulator(t)
	objectives := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(objectives, []byte("slos: [{name: chat, objective: 99, window: 30d, good: {ttft: 10s}, judge: attempt}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sidecar := exe.StartSidecar(t, sim.URL, "HEADWAY_SLO_FILE="+objectives)
	prometheus := interop.StartPrometheus(t, sidecar.Admin)
	// A rate needs two samples, so that the traffic comes in two parts with a scrape
	// between them.
	for part := 1; part <= 2; part++ {
		interop.Stream(t, sidecar.URL, "asked", 16, nil)
		interop.Stream(t, sidecar.URL, "asked", 16, http.Header{"X-Sim-Fault": {"stall=1500ms@5"}})
		refused(t, sidecar.URL)
		dialogue(t, sidecar.URL, part)
		prometheus.EventuallyIs(t, "sum(headway_requests_total)", float64(6*part))
	}
	page, err := os.ReadFile(interop.Path(t, "docs/promql.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```promql\n(.*?)\n```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Fatalf("%d queries", len(blocks))
	}
	for _, block := range blocks {
		query := block[1]
		interop.Eventually(t, 30*time.Second, func() error {
			values, err := prometheus.Values(query)
			if err != nil || len(values) == 0 {
				return fmt.Errorf("%s has no result: %w", query, err)
			}
			for _, v := range values {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					return fmt.Errorf("%s is %v", query, values)
				}
			}
			if strings.Contains(query, "stall") && !(values[0]+values[len(values)-1] > 0) {
				return fmt.Errorf("%s finds no stall: %v", query, values)
			}
			return nil
		})
		values, _ := prometheus.Values(query)
		t.Logf("%v\n%s", values, query)
	}
}

// dialogue sends the prompts of a conversation of three, which goes on each time. The
// simulator loses its prompt cache for the last one.
func dialogue(t *testing.T, base string, part int) {
	t.Helper()
	prompt := fmt.Sprintf(`{"role":"system","content":"Part %d.%s"}`, part, strings.Repeat(" Be careful with files.", 300))
	for i, fault := range []string{"", "", "uncached"} {
		prompt += fmt.Sprintf(`,{"role":"user","content":"Step %d.%s"}`, i, strings.Repeat(" Look.", 100))
		ask(t, base, prompt, fault, http.StatusOK)
		prompt += `,{"role":"assistant","content":"Done."}`
	}
}

// refused sends a request that the simulator turns away.
func refused(t *testing.T, base string) {
	t.Helper()
	ask(t, base, `{"role":"user","content":"Go on."}`, "http=503", http.StatusServiceUnavailable)
}

// ask sends a request with these messages and a fault of the simulator.
func ask(t *testing.T, base, messages, fault string, status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions",
		strings.NewReader(`{"model":"asked","max_tokens":4,"messages":[`+messages+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Sim-Fault", fault)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		t.Fatalf("status %d, want %d", response.StatusCode, status)
	}
	_, _ = io.Copy(io.Discard, response.Body)
}
