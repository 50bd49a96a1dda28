package main_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
)

// BenchmarkTwoHundredProbes sends the canaries of 200 probes, each every 5 s, from a headway
// in this process to a simulated model server in another one. It says how much of a core this
// process and the kernel on its behalf compute, all of headway included, and what that is for
// one canary. The server sends each token by itself, 12 ms after the one before. Run it with
// -benchtime 1x.
func BenchmarkTwoHundredProbes(b *testing.B) {
	model := modelInAnotherProcess(b)
	for _, via := range []string{"direct", "sidecar"} {
		for _, tokens := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d tokens", via, tokens), func(b *testing.B) {
				for b.Loop() {
					measureProbes(b, model, via, tokens)
				}
			})
		}
	}
}

// measureProbes measures 20 s, after all connections are there and prompts have their length.
func measureProbes(b *testing.B, model, via string, tokens int) {
	const warming, running = 11 * time.Second, 20 * time.Second
	var file strings.Builder
	fmt.Fprintf(&file, "defaults: {every: 5s, via: %s, url: '%s', dialect: openai-chat, model: sim-medium, shape: {input_tokens: 512, output_tokens: %d}}\nprobes:\n", via, model, tokens)
	for i := range 200 {
		fmt.Fprintf(&file, "  - {name: p%d}\n", i)
	}
	path := filepath.Join(b.TempDir(), "probes.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	c, err := config.Read([]string{"HEADWAY_UPSTREAM=" + model, "HEADWAY_LISTEN=127.0.0.1:0", "HEADWAY_ADMIN_LISTEN=127.0.0.1:0", "HEADWAY_DRAIN_DELAY=0", "HEADWAY_PROBE_FILE=" + path})
	if err != nil {
		b.Fatal(err)
	}
	s, err := sidecar.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Listen("LISTEN", "ADMIN_LISTEN"); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx, b.Context()) }()
	time.Sleep(warming)
	canaries, computed, began := answered(b, s.AdminAddr().String()), processorTime(b), time.Now()
	time.Sleep(running)
	share := float64(processorTime(b)-computed) / float64(time.Since(began))
	canaries = answered(b, s.AdminAddr().String()) - canaries
	stop()
	if err := <-over; err != nil {
		b.Error(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(100*share, "%core")
	b.ReportMetric(share*running.Seconds()*1e6/canaries, "µs/canary")
	b.ReportMetric(canaries/running.Seconds(), "canaries/s")
}

// modelInAnotherProcess starts a simulated model server, and returns its URL.
func modelInAnotherProcess(b *testing.B) string {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	server := exec.Command(exe, "sim", "--listen", address, "--prefill-per-token", "1us")
	server.Env = append(os.Environ(), "TEST_AS_HEADWAY=yes")
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			b.Error(err)
		}
	})
	for range 100 {
		if response, err := http.Get("http://" + address + "/health"); err == nil {
			_ = response.Body.Close()
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatal("the model server does not answer")
	return ""
}

var answeredRuns = regexp.MustCompile(`(?m)^headway_probe_runs_total\{.*outcome="ok".* (\S+)$`)

// answered counts the canaries that were answered, by a scrape.
func answered(b *testing.B, admin string) (n float64) {
	b.Helper()
	response, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range answeredRuns.FindAllStringSubmatch(string(text), -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			b.Fatal(err)
		}
		n += v
	}
	return n
}

// processorTime is the time that this process has computed, without the processes that it
// started.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
