package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// anyPort are options for a demo beside others.
func anyPort() demoOptions {
	return demoOptions{
		listen: "127.0.0.1:0", admin: "127.0.0.1:0", model: "127.0.0.1:0",
		rps: 1, every: time.Second, program: os.Args[0],
	}
}

func TestDemoShowsStreamsAndLeavesNothingBehind(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	o := anyPort()
	o.rps, o.seed, o.every = 20, 1, 500*time.Millisecond
	if err := demo(ctx, o, &out, &errs); err != nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Errorf("it complained:\n%s", &errs)
	}
	text := out.String()
	for _, want := range []string{
		`(?m)^requests [1-9]\d*, .* TTFT p50 \d.{1,250}$`,                  // a line while the demo runs
		`(?m)^last [45] s   [\d.]+ requests/s   [1-9]\d* output tokens/s$`, // the last table
		`(?m)^  TTFT( +[\d.]+ [mµ]?s\*?){3} +[1-9]\d*( +[\d.]+ [mµ]?s\*?){3}$`,
		`(?m)^   ITL( +[\d.]+ [mµ]?s\*?){3} +[1-9]\d*( +[\d.]+ [mµ]?s\*?){3}$`,
		`(?m)^output tokens, reported: (\d+), truth \d+; equal in (\d+) of \d+ answers\.$`,
		`(?m)^ +[1-9]\d* +[\d.]+ %  ok +answered$`,
		`(?m)^attempts [\d.]+ % answered, of [1-9]\d*$`,
		`(?m)^calls    [\d.]+ % answered, of [1-9]\d* in [1-9]\d* attempts$`,
		`(?m)^SLO chat-interactive: 97 % of attempts with ttft ≤ 1s, tpot ≤ 150ms$`,
		`(?m)^    last 1m: [\d.]+ % good   error budget: `,
		`(?m)^  \S+ demo fault --addr 127.0.0.1:\d+ http=503:0.5$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("nothing matches %s in:\n%s", want, text)
		}
	}
	if m := regexp.MustCompile(`reported: (\d+), truth (\d+); equal in (\d+) of (\d+) `).FindStringSubmatch(text); m != nil && (m[1] != m[2] || m[3] != m[4]) {
		t.Errorf("headway and the model server disagree: %s", m[0])
	}
	addresses := regexp.MustCompile(`http://([^/]+)/`).FindAllStringSubmatch(text, -1)
	if len(addresses) != 4 {
		t.Errorf("%d addresses in:\n%s", len(addresses), text)
	}
	for _, address := range addresses {
		if !interop.Refuses(address[1]) {
			t.Errorf("something still listens at %s", address[1])
		}
	}
	// fasthttp closes idle connections in a goroutine that ends only when it next wakes
	// up.
	const cleaners = 1
	interop.Until(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines+cleaners })
}

// In an outage every call fails, and is not over until its client has stopped trying. The
// last table has all of them, and no more attempts than the model server was asked.
func TestDemoCountsTheCallsOfAnOutage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	o := anyPort()
	o.rps, o.model = 10, interop.FreeAddress(t)
	var out, errs bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- demo(ctx, o, &out, &errs) }()
	interop.Until(t, "the demo has taken the fault", func() bool {
		return ctx.Err() != nil || dispatch(ctx, []string{"demo", "fault", "--addr", o.model, "http=503:1"}, &bytes.Buffer{}, &bytes.Buffer{}) == exitOK
	})
	if err := <-ended; err != nil || errs.Len() > 0 {
		t.Fatal(err, &errs)
	}
	text := out.String()
	if !regexp.MustCompile(`(?m)^requests .* [1-9]\d* waiting for another attempt\)`).MatchString(text) {
		t.Errorf("no open call in any line:\n%s", text)
	}
	m := regexp.MustCompile(`(?m)^attempts .*, of (\d+)\ncalls    .* of \d+ in (\d+) attempts$`).FindStringSubmatch(text)
	if m == nil || m[1] != m[2] {
		t.Errorf("the attempts do not add up: %q in\n%s", m, text)
	}
}

func TestDemosFaultsAreValid(t *testing.T) {
	c := demoModel(demoOptions{rps: 6})
	if err := c.Validate(); err != nil || len(c.Faults) == 0 {
		t.Errorf("faults %v, %v", c.Faults, err)
	}
}

func TestDemoJudgesByTheFileOfItsFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.slo.yaml")
	if err := os.WriteFile(file, []byte("slos: [{name: mine, objective: 99, window: 30d}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "chat-interactive", file: "mine"} {
		o := anyPort()
		o.slo = name
		s, err := demoSidecar(o, "127.0.0.1:1", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if slos := s.SLOs(time.Now()).SLOs; len(slos) != 1 || slos[0].Name != want {
			t.Errorf("with %q, it judges by %+v", name, slos)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := s.Run(ended, ended); err != nil {
			t.Error(err)
		}
	}
}

func TestDemoNeedsItsPorts(t *testing.T) {
	for name, change := range map[string]func(*demoOptions){
		"--listen": func(o *demoOptions) { o.listen = busyAddress(t) },
		"--admin":  func(o *demoOptions) { o.admin = busyAddress(t) },
		"--model":  func(o *demoOptions) { o.model = busyAddress(t) },
	} {
		o := anyPort()
		change(&o)
		var out bytes.Buffer
		err := demo(t.Context(), o, &out, &out)
		if err == nil || !strings.HasPrefix(err.Error(), name+": listen tcp ") || !strings.HasSuffix(err.Error(), "; 127.0.0.1:0 is any free port") || out.Len() > 0 {
			t.Errorf("%s: error %v, output %q", name, err, &out)
		}
	}
}

// The user of the demo has set flags and no variables.
func TestDemoNamesFlagsOnly(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("slos: [{name: mine, objektive: 99}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no port", []string{"--listen", "127.0.0.1"}, "--listen: "},
		{"no port for metrics", []string{"--admin", "x"}, "--admin: "},
		{"no port for the model server", []string{"--model", "8483"}, "--model: "},
		{"one port for two", []string{"--listen", "127.0.0.1:8490", "--admin", "127.0.0.1:8490"}, "--admin: "},
		{"the model server's port for the sidecar", []string{"--listen", "127.0.0.1:8490", "--model", "127.0.0.1:8490"}, "--model: "},
		{"no SLO file", []string{"--slo", wrong + ".missing"}, "--slo: "},
		{"a wrong SLO file", []string{"--slo", wrong}, "--slo: "},
		{"no traffic", []string{"--rps", "0"}, "--rps"},
	} {
		var out, errs bytes.Buffer
		code := dispatch(t.Context(), append([]string{"demo", "--for", "1ms"}, tt.args...), &out, &errs)
		if text := errs.String(); code != exitUsage || !strings.Contains(text, tt.want) || strings.Contains(text, "HEADWAY") || out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, output %q", tt.name, code, text, &out)
		}
	}
}
