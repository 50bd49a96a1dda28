package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// probing is a `headway probe` that goes on, and what it writes.
type probing struct {
	*interop.Process
	admin, capture, file string
}

// startProbing starts a prober of its own with the given probes.
func startProbing(t *testing.T, exe interop.Program, probes string) probing {
	t.Helper()
	dir := t.TempDir()
	p := probing{admin: interop.FreeAddress(t), capture: filepath.Join(dir, "capture.jsonl"), file: filepath.Join(dir, "probes.yaml")}
	if err := os.WriteFile(p.file, []byte(probes), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Process = interop.Start(t, []string{"HEADWAY_ADMIN_LISTEN=" + p.admin, "HEADWAY_CAPTURE_FILE=" + p.capture, "HEADWAY_DRAIN_DELAY=0"}, string(exe), "probe", "--file", p.file)
	return p
}

// answered is how many canaries of a probe were answered, by a scrape.
func (p *probing) answered(t *testing.T, name string) int {
	t.Helper()
	text, err := interop.Get("http://" + p.admin + "/metrics")
	if err != nil {
		return 0 // it has not started
	}
	m := regexp.MustCompile(`headway_probe_runs_total\{.*outcome="ok",probe="` + name + `",.*\} (\d+)`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProbeGoesOnUntilItIsAskedToStop(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t)
	p := startProbing(t, exe, fmt.Sprintf(`probes: [{name: chat, url: %s, dialect: openai-chat, model: sim-medium, every: 1s, shape: {input_tokens: 100, output_tokens: 8}}]`, sim.URL))
	interop.Until(t, "three canaries", func() bool { return p.answered(t, "chat") >= 3 })
	scrape := interop.Fetch(t, "http://"+p.admin+"/metrics")
	for _, want := range []string{
		`headway_probe_time_to_first_token_seconds_count{model="sim-medium",operation="chat",probe="chat",`, "headway_probe_last_success_timestamp_seconds{", "headway_probe_leader 1",
	} {
		if !strings.Contains(scrape, want) {
			t.Errorf("the scrape has no %s", want)
		}
	}
	if status := interop.Status("http://" + p.admin + "/healthz/ready"); status != http.StatusOK {
		t.Errorf("ready: status %d", status)
	}
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d on SIGTERM:\n%s", code, p.Printed(t))
	}
	if n := len(sim.Exchanges(t)); n < 3 {
		t.Errorf("the server saw %d requests", n)
	}
}

// A process that was stopped, and a machine that was suspended, go on with the next canary.
func TestAProberThatWasSuspendedMakesUpForNothing(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t)
	p := startProbing(t, exe, fmt.Sprintf(`probes: [{name: chat, url: %s, dialect: openai-chat, model: sim-medium, every: 1s, jitter: 0, shape: {input_tokens: 100, output_tokens: 8}}]`, sim.URL))
	interop.Until(t, "two canaries", func() bool { return p.answered(t, "chat") >= 2 })
	p.Signal(t, syscall.SIGSTOP)
	const away = 5 * time.Second
	stopped := time.Now()
	time.Sleep(away) // of a real process
	p.Signal(t, syscall.SIGCONT)
	before := len(sim.Exchanges(t))
	interop.Until(t, "three canaries more", func() bool { return len(sim.Exchanges(t)) >= before+3 })
	took := time.Since(stopped) - away
	if took < 1500*time.Millisecond {
		t.Errorf("three canaries within %s of the end of the suspension: one a second is the schedule", took)
	}
	if n, most := len(sim.Exchanges(t)), before+3+int(took/time.Second); n > most {
		t.Errorf("%d canaries, want %d at most", n, most)
	}
}

// ofTraffic are the families that are about an application's requests. Others are about
// headway's own work, which canaries are a part of: what is in flight, and what the proxy adds.
var ofTraffic = regexp.MustCompile(`^(gen_ai_|headway_(requests_total|tokens|slo_|chain|inter_token|stall|silence|no_first_token|time_))`)

// Beside an application's traffic, canaries are in their own series and in no other.
func TestCanariesAreInNoSeriesOfTraffic(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	probes := write("probes.yaml", fmt.Sprintf(`probes: [{name: chat, url: %s, dialect: openai-chat, model: of-canaries, via: both, every: 1s, shape: {input_tokens: 100, output_tokens: 8}}]`, sim.URL))
	slos := write("slos.yaml", `slos: [{name: all, match: {operation: chat}, objective: 99, window: 30d, good: {ttft: 5s}}]`)
	sidecar := exe.StartSidecar(t, sim.URL, "HEADWAY_PROBE_FILE="+probes, "HEADWAY_SLO_FILE="+slos)
	const requests = 3
	for range requests {
		interop.Stream(t, sidecar.URL, "of-traffic", 8, nil)
	}
	p := probing{admin: sidecar.Admin}
	interop.Until(t, "three canaries", func() bool { return p.answered(t, "chat") >= 3 })
	scrape := interop.Fetch(t, "http://"+sidecar.Admin+"/metrics")
	for line := range strings.Lines(scrape) {
		if strings.Contains(line, `="of-canaries"`) && ofTraffic.MatchString(line) {
			t.Errorf("a canary is in %s", line)
		}
	}
	sums := map[string]int{"gen_ai_client_operation_duration_seconds_count": 0, "headway_requests_total": 0, "headway_slo_requests_total": 0}
	for line := range strings.Lines(scrape) {
		name, _, _ := strings.Cut(line, "{")
		if _, counted := sums[name]; !counted {
			continue
		}
		n, err := strconv.Atoi(strings.Fields(line[strings.LastIndexByte(line, '}')+1:])[0])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sums[name] += n
	}
	for name, n := range sums {
		if n != requests {
			t.Errorf("%s counts %d requests, want the application's %d", name, n, requests)
		}
	}
}

// Without a load test and without captures, a running headway has something to learn from.
func TestBaselineLearnsFromARunningHeadway(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t, "--prefill", "1ms", "--step", "1ms")
	sidecar := exe.StartSidecar(t, sim.URL)
	for range 35 {
		interop.Stream(t, sidecar.URL, "m", 16, nil)
	}
	learnt := filepath.Join(t.TempDir(), "learnt.json")
	learn := interop.Start(t, nil, string(exe), "baseline", "learn", "--from", "http://"+sidecar.Admin, "--hours", "24", "--out", learnt)
	if code := learn.Exit(t, 20*time.Second); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, learn.Printed(t))
	}
	if printed := learn.Printed(t); !strings.Contains(printed, "cells: 1, of requests: 35,") || !strings.Contains(printed, "and not 24: other hours of the day may be slower") {
		t.Errorf("it printed %s", printed)
	}
	show := interop.Start(t, nil, string(exe), "baseline", "show", "--output", "json", learnt)
	if code := show.Exit(t, 20*time.Second); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, show.Printed(t))
	}
	for _, want := range []string{`"model": "m"`, `"learned"`, `"few_samples"`, `"ttft"`, `"tpot"`, `"e2e"`, `"tool": "headway"`} {
		if !strings.Contains(show.Printed(t), want) {
			t.Errorf("the baseline has no %s:\n%s", want, show.Printed(t))
		}
	}
}

func TestBaselineLearnFromNowhere(t *testing.T) {
	exe := self(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a URL that is none", []string{"--from", "localhost"}, 2, `--from: "localhost" is no http or https URL; for example http://127.0.0.1:8481`},
		{"a headway and a capture", []string{"--from", "http://127.0.0.1:1", "capture.jsonl"}, 2, `--from and "capture.jsonl"`},
		{"nothing", nil, 2, "or a running headway: --from http://127.0.0.1:8481"},
		{"no headway there", []string{"--from", "http://127.0.0.1:1"}, 1, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			learn := interop.Start(t, nil, string(exe), slices.Concat([]string{"baseline", "learn"}, tt.args)...)
			if code := learn.Exit(t, 20*time.Second); code != tt.code || !strings.Contains(learn.Printed(t), tt.says) {
				t.Errorf("exit code %d, want %d; it says %s", code, tt.code, learn.Printed(t))
			}
		})
	}
}
