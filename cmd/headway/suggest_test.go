package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// A file that headway writes is one that headway takes, and the report judges by it as the
// file says.
func TestWrittenSLOFilesAreTaken(t *testing.T) {
	var text strings.Builder
	for n := range 500 {
		fmt.Fprintf(&text, `{"v":1,"start":"2026-11-21T10:%02d:%02dZ","origin":"app","operation":"chat","model":{"request":"m"},"upstream":"127.0.0.1:9","stream":true,`+
			`"outcome":"ok","ttft_s":%v,"ttfa_s":0.1,"tpot_s":0.02,"e2e_s":3}`+"\n", n/60, n%60, .1+float64(n)/1000)
	}
	captured := writeCapture(t, text.String())
	for _, args := range [][]string{
		{"slo", "suggest", captured, "--margin", "0"},
		{"slo", "import", "vllm", "ttft:600", "tpot:20"},
		{"slo", "import", "mlperf", "deepseek-r1/server", "--objective", "95", "--window", "7d"},
	} {
		t.Run(strings.Join(args[:3], " "), func(t *testing.T) {
			file := writtenSLOs(t, args...)
			t.Setenv("HEADWAY_SLO_FILE", file)
			t.Setenv("HEADWAY_UPSTREAM", "http://127.0.0.1:9")
			var out, errs bytes.Buffer
			if code := dispatch(context.Background(), []string{"run", "--check"}, &out, &errs); code != 0 {
				t.Fatalf("exit code %d: %s", code, &errs)
			}
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			set, warnings, err := slo.Parse(file, bytes.NewReader(body))
			if err != nil || len(warnings) > 0 || len(set.SLOs) != 1 {
				t.Fatalf("%v, %v, %d SLOs", err, warnings, len(set.SLOs))
			}
			var got report.Summary
			text := dispatched(t, "report", captured, "--output", "json", "--goodput", set.SLOs[0].Good.String())
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			want := 495 // at the suggested limit without a margin, rounded up
			if limit := set.SLOs[0].Limit(exchange.TTFT); limit.Milliseconds() >= 600 {
				want = 500
			}
			if g := got.All.Goodput; g.Good < want || g.Counted != 500 {
				t.Errorf("%d good of %d, want %d", g.Good, g.Counted, want)
			}
		})
	}
}

// writtenSLOs is the file that a command prints.
func writtenSLOs(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(file, dispatched(t, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// dispatched is the output of a command that succeeds.
func dispatched(t *testing.T, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	if code := dispatch(context.Background(), args, &out, io.Discard); code != 0 {
		t.Fatalf("%v: exit code %d", args, code)
	}
	return out.Bytes()
}
