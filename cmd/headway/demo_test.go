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
	"github.com/headway-sidecar/headway/cmd/internal/live"
)

func TestDemoShowsStreamsAndLeavesNothingBehind(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	o := demoOptions{listen: "127.0.0.1:0", admin: "127.0.0.1:0", rps: 20, seed: 1, every: 500 * time.Millisecond}
	if err := demo(ctx, o, &out, &errs); err != nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Errorf("it complained:\n%s", &errs)
	}
	text := out.String()
	for _, want := range []string{
		`(?m)^requests [1-9]\d*, .* TTFT p50 \d`,      // a line while the demo runs
		`(?m)^requests [1-9]\d*   .* output tokens/s`, // the last table
		`(?m)^  TTFT +\d.* [1-9]\d*$`,
		`(?m)^   ITL +\d.* [1-9]\d*$`,
		`(?m)^outcomes   ok [1-9]`,
		`(?m)^calls      [1-9]\d*  retries \d+  attempts per call 1\.`,
		`(?m)^SLO        chat-interactive  [\d.]+ % good in 1m0s, promised 97 %  burn \d`,
		`(?m)^faults +curl -T - http://`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("nothing matches %s in:\n%s", want, text)
		}
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
		o := demoOptions{listen: "127.0.0.1:0", admin: "127.0.0.1:0", slo: name}
		s, err := demoSidecar(o, "127.0.0.1:1", slog.New(slog.DiscardHandler), live.NewView(time.Now))
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

func TestDemoNeedsBothPorts(t *testing.T) {
	var out bytes.Buffer
	err := demo(t.Context(), demoOptions{listen: "127.0.0.1:0", admin: busyAddress(t), rps: 1, every: time.Second}, &out, &out)
	if err == nil || !strings.HasPrefix(err.Error(), "--admin: ") || out.Len() > 0 {
		t.Errorf("error %v, output %q", err, &out)
	}
}
