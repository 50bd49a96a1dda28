package main_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// patience is the timeout of a client that meets a stream which hangs.
const patience = 3 * time.Second

// TestHindsightAgreesWithTheModelServer sends streams of which some pause, some are refused
// and some hang until their client gives up. It holds the advice on timeouts, and a
// suggested SLO, against the notes of the model server.
func TestHindsightAgreesWithTheModelServer(t *testing.T) {
	headway := self(t)
	sim := headway.StartSimulator(t, "--step", "2ms", "--prefill", "5ms")
	sidecar := headway.StartSidecar(t, sim.URL)
	faults := make([]string, 150)
	for i := range faults {
		switch {
		case i%15 == 3:
			faults[i] = "stall=1500ms@8" // and goes on
		case i%50 == 1:
			faults[i] = "http=503"
		case i%25 == 2:
			faults[i] = "stall=1h@5"
		}
	}
	send(t, sidecar.URL, faults)
	sidecar.Process.Stop(t)
	all := sim.Exchanges(t)
	if len(all) != len(faults) {
		t.Fatalf("the model server had %d requests of %d", len(all), len(faults))
	}

	t.Run("timeouts", func(t *testing.T) {
		var got struct{ Timeouts hindsight.Timeouts }
		if err := json.Unmarshal(output(t, headway, "report", sidecar.Capture, "--timeouts", "--output", "json"), &got); err != nil {
			t.Fatal(err)
		}
		checkTimeouts(t, got.Timeouts, all)
	})
	t.Run("suggestion", func(t *testing.T) {
		text := string(output(t, headway, "slo", "suggest", sidecar.Capture, "--objective", "90", "--good", "ttft,stall"))
		set, warnings, err := slo.Parse("suggested", strings.NewReader(text))
		if err != nil || len(warnings) > 0 || len(set.SLOs) != 1 {
			t.Fatalf("%v, warnings %v in\n%s", err, warnings, text)
		}
		checkSuggestion(t, &set.SLOs[0], all)
	})
}

// send sends a stream for each fault, ten at a time.
func send(t *testing.T, base string, faults []string) {
	t.Helper()
	slots := make(chan struct{}, 10)
	var wait sync.WaitGroup
	for _, fault := range faults {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions",
				strings.NewReader(`{"model":"sim-medium","stream":true,"max_tokens":20,"messages":[{"role":"user","content":"Go on."}]}`))
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("X-Sim-Fault", fault)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = response.Body.Close() }()
			_, err = io.Copy(io.Discard, response.Body)
			if hung := fault == "stall=1h@5"; hung != (err != nil) {
				t.Errorf("%s: %v", fault, err)
			}
		})
	}
	wait.Wait()
}

func output(t *testing.T, headway interop.Program, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), string(headway), args...).Output()
	if err != nil {
		t.Fatalf("%v: %v, %s", args, err, out)
	}
	return out
}

// checkTimeouts compares the idle timeouts with the gaps that the model server made.
func checkTimeouts(t *testing.T, got hindsight.Timeouts, all []modelsim.Exchange) {
	t.Helper()
	if len(got.Groups) != 1 {
		t.Fatalf("%d groups", len(got.Groups))
	}
	g := got.Groups[0]
	longest, answered, hung := time.Duration(0), 0, 0
	killed := map[float64]int{}
	for i := range all {
		x := &all[i]
		switch {
		case x.Outcome == modelsim.OutcomeOK:
			answered++
			gap := slices.Max(x.Gaps())
			longest = max(longest, gap)
			for _, timeout := range []float64{1, 2, 3} {
				if gap.Seconds() > timeout {
					killed[timeout]++
				}
			}
		case x.Status == http.StatusOK:
			hung++
		}
	}
	if g.Good != answered || g.CutShort != hung || killed[1] == 0 || hung == 0 {
		t.Errorf("%d answered and %d cut short, want %d and %d; %d paused", g.Good, g.CutShort, answered, hung, killed[1])
	}
	idle := g.Advice[1]
	for _, r := range idle.Rows {
		if want, ok := killed[r.Seconds]; r.Seconds <= 3 && r.Killed != want {
			t.Errorf("a timeout of %v s kills %d, want %d (%v)", r.Seconds, r.Killed, want, ok)
		}
		// A client waits for the first tokens, and then for the rest of its patience.
		if want := float64(hung) * (patience.Seconds() - r.Seconds); r.Seconds < 3 && (r.Hung != hung || r.HungCutShort != hung || r.Saved > want || r.Saved < want-.5*float64(hung)) {
			t.Errorf("a timeout of %v s saves %v s of %d, want some less than %v of %d", r.Seconds, r.Saved, r.Hung, want, hung)
		}
	}
	if idle.Best == nil || idle.Best.Seconds != 3 || math.Abs(idle.LongestGood-longest.Seconds()) > .1 {
		t.Errorf("best is %+v, the longest good wait %v; the model server paused for %v", idle.Best, idle.LongestGood, longest)
	}
	total := g.Advice[2].GaveUp
	if total == nil || total.Clients != hung || math.Abs(total.Seconds-patience.Seconds()) > .1 {
		t.Errorf("the clients gave up: %+v, want %d after %v", total, hung, patience)
	}
}

// checkSuggestion counts by the notes of the model server how many streams keep the SLO.
func checkSuggestion(t *testing.T, s *slo.SLO, all []modelsim.Exchange) {
	t.Helper()
	good := 0
	for i := range all {
		x := &all[i]
		// The notes have times from the model server's side, which are a little shorter.
		if x.Outcome == modelsim.OutcomeOK && x.TTFT() <= s.Limit(exchange.TTFT) && slices.Max(x.Gaps()) <= s.Limit(exchange.Stall) {
			good++
		}
	}
	if share := 100 * float64(good) / float64(len(all)); share < s.Objective {
		t.Errorf("%.1f %% were good by %v, want %v %%", share, s.Good, s.Objective)
	}
	// Too many paused for a second and a half to leave pauses out.
	if limit := s.Limit(exchange.Stall); limit < 1800*time.Millisecond || limit > 3*time.Second {
		t.Errorf("a limit of %v on stalls of 1.5 s", limit)
	}
}
