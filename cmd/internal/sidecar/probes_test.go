package sidecar_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// model starts a simulated model server.
func model(t *testing.T, change func(*modelsim.Config)) (url string, sim *modelsim.Server) {
	t.Helper()
	c := modelsim.FastConfig()
	if change != nil {
		change(&c)
	}
	sim, err := modelsim.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	return server.URL, sim
}

// withProbes is a sidecar whose probe file has these probes.
func withProbes(t *testing.T, upstream, probes string, more ...string) (*sidecar.Sidecar, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "probes.yaml")
	if err := os.WriteFile(file, []byte(probes), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(append([]string{
		"HEADWAY_UPSTREAM=" + upstream, "HEADWAY_LISTEN=127.0.0.1:0", "HEADWAY_ADMIN_LISTEN=127.0.0.1:0", "HEADWAY_DRAIN_DELAY=0",
		"HEADWAY_PROBE_FILE=" + file, "TEST_MODEL_KEY=k-1", "TEST_WRONG_KEY=k-2",
	}, more...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sidecar.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s, file
}

// once sends one canary of each probe.
func once(t *testing.T, upstream, probes string) []probe.Run {
	t.Helper()
	s, _ := withProbes(t, upstream, probes)
	runs, err := s.Once(t.Context())
	if err != nil {
		t.Error(err)
	}
	return runs
}

// TestCanariesInEveryDialect sends a canary through the sidecar and one past it, in each
// dialect, to a simulated server.
func TestCanariesInEveryDialect(t *testing.T) {
	url, sim := model(t, nil)
	for _, dialect := range canary.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			runs := once(t, url, fmt.Sprintf(`probes: [{name: p, url: %s, dialect: %s, model: sim-medium, via: both, shape: {input_tokens: 300, output_tokens: 24}}]`, url, dialect))
			if len(runs) != 2 {
				t.Fatalf("%d runs", len(runs))
			}
			for _, r := range runs {
				record := &r.Record
				if r.Outcome != probe.OK || r.Calibrating || record.Dialect != dialect || record.Origin != exchange.Canary || record.Probe != "p" || !record.Stream {
					t.Errorf("%s: outcome %s, dialect %s, origin %s, probe %s, stream %v, calibrating %v, status %d, %s %s", r.Via, r.Outcome, record.Dialect, record.Origin, record.Probe, record.Stream, r.Calibrating, record.Status, record.Outcome, record.ErrorType)
				}
				if want := map[probe.Via]exchange.Mode{probe.Sidecar: exchange.Explicit, probe.Direct: exchange.Direct}[r.Via]; record.Mode != want {
					t.Errorf("%s: mode %s, want %s", r.Via, record.Mode, want)
				}
				if u := record.Usage; u.Input.Known && (u.Input.N < 297 || u.Input.N > 303) || !u.Output.Known || u.Output.N < 23 || u.Output.N > 24 {
					t.Errorf("%s: %+v tokens", r.Via, u)
				}
				if record.TTFT() <= 0 || record.TPOT() <= 0 || r.Seen.TTFT <= 0 || r.Seen.E2E < r.Seen.TTFT || record.Chunks.Bytes() < 24 {
					t.Errorf("%s: TTFT %s, TPOT %s, seen %+v, %d bytes", r.Via, record.TTFT(), record.TPOT(), r.Seen, record.Chunks.Bytes())
				}
				if r.Load != 1 || r.LoadSource != probe.OwnInFlight {
					t.Errorf("%s: load %v by %s", r.Via, r.Load, r.LoadSource)
				}
			}
			if x := sim.Exchanges(1)[0]; x.PromptTokens < 297 || x.PromptTokens > 303 {
				t.Logf("the server itself counted %d tokens", x.PromptTokens)
			}
		})
	}
}

func TestOutcomesOfCanaries(t *testing.T) {
	url, _ := model(t, func(c *modelsim.Config) { c.StrictModels, c.APIKey = true, "k-1" })
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	const right = "auth: {env: TEST_MODEL_KEY}"
	for name, tt := range map[string]struct {
		url, model, more string
		want             probe.Outcome
	}{
		"an answer":              {url, "sim-medium", right, probe.OK},
		"a key that is missing":  {url, "sim-medium", "auth: {env: TEST_MISSING_KEY}", probe.NoKey},
		"a key that is wrong":    {url, "sim-medium", "auth: {env: TEST_WRONG_KEY}", probe.NoKey},
		"a model that is gone":   {url, "sim-gone", right, probe.NoModel},
		"an unreachable target":  {closed.URL, "sim-medium", right, probe.Unreachable},
		"a rate limit":           {url, "sim-medium", right + ", headers: {X-Sim-Fault: http=429}", probe.RateLimited},
		"an error":               {url, "sim-medium", right + ", headers: {X-Sim-Fault: http=500}", probe.Failed},
		"an answer that breaks":  {url, "sim-medium", right + ", headers: {X-Sim-Fault: cut=5}", probe.Failed},
		"a budget that is spent": {url, "sim-medium", right + ", budget: {tokens_per_day: 100}", probe.OverBudget},
	} {
		for _, via := range []probe.Via{probe.Sidecar, probe.Direct} {
			t.Run(name+" "+string(via), func(t *testing.T) {
				runs := once(t, tt.url, fmt.Sprintf(`probes: [{name: p, url: %s, dialect: openai-chat, model: %s, via: %s, shape: {input_tokens: 100, output_tokens: 20}, %s}]`, tt.url, tt.model, via, tt.more))
				if len(runs) != 1 || runs[0].Outcome != tt.want {
					t.Errorf("%+v, want %s", runs, tt.want)
				}
			})
		}
	}
}

// TestCanariesStayOutOfTheNumbersOfTraffic runs a sidecar with an SLO and a probe, and
// scrapes it.
func TestCanariesStayOutOfTheNumbersOfTraffic(t *testing.T) {
	url, _ := model(t, nil)
	slos := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(slos, []byte("slos: [{name: chat, match: {operation: chat}, objective: 99, window: 30d, good: {ttft: 500ms}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(t.TempDir(), "capture.jsonl")
	s, file := withProbes(t, url, fmt.Sprintf(`probes: [{name: chat-short, url: %s, dialect: openai-chat, model: sim-medium, every: 1s, jitter: 0, via: both, shape: {input_tokens: 100, output_tokens: 8}}]`, url),
		"HEADWAY_SLO_FILE="+slos, "HEADWAY_CAPTURE_FILE="+capture)
	if err := s.Listen("LISTEN", "ADMIN_LISTEN"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx, t.Context()) }()
	scrape := func() string {
		response, err := http.Get("http://" + s.AdminAddr().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		return string(text)
	}
	const ok = `headway_probe_runs_total{model="sim-medium",operation="chat",outcome="ok",probe="chat-short",upstream="%s",via="%s"} `
	at := strings.TrimPrefix(url, "http://")
	interop.Until(t, "canaries both ways", func() bool {
		text := scrape()
		return strings.Contains(text, fmt.Sprintf(ok, at, "sidecar")) && strings.Contains(text, fmt.Sprintf(ok, at, "direct")) &&
			!strings.Contains(text, fmt.Sprintf(ok, at, "sidecar")+"0\n") && !strings.Contains(text, fmt.Sprintf(ok, at, "direct")+"0\n")
	})
	text := scrape()
	for line := range strings.Lines(text) {
		if name, _, _ := strings.Cut(line, "{"); strings.HasPrefix(name, "gen_ai_") || strings.HasPrefix(name, "headway_requests_total") ||
			strings.HasPrefix(name, "headway_tokens") || strings.HasPrefix(name, "headway_chain") && strings.Contains(line, "{") ||
			strings.HasPrefix(name, "headway_slo_requests") || strings.HasPrefix(name, "headway_slo_tokens_total") {
			t.Errorf("a canary is in %s", line)
		}
	}
	for _, want := range []string{
		"headway_probe_last_success_timestamp_seconds{probe=\"chat-short\",via=\"direct\"} 1.", "headway_probe_time_to_first_token_seconds_count{",
		"headway_probe_time_per_output_token_seconds_count{", "headway_probe_duration_seconds_count{",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if err := os.WriteFile(file, []byte("paused: true\nprobes: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	interop.Until(t, "the probes to go", func() bool { return !strings.Contains(scrape(), "headway_probe_runs_total{") })
	stop()
	select {
	case err := <-over:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("headway does not stop")
	}
	lines, err := os.ReadFile(capture)
	if err != nil || !strings.Contains(string(lines), `"origin":"canary","probe":"chat-short"`) || strings.Contains(string(lines), `"origin":"app"`) || strings.Contains(string(lines), `"chain"`) || strings.Contains(string(lines), `"slo"`) {
		t.Errorf("the capture has %s, %v", lines, err)
	}
}
