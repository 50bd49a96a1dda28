//go:build interop

package kubernetes_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/lease"
)

// The variables that make a process of this test a prober.
const (
	asProber    = "HEADWAY_TEST_PROBER"      // its identity, and the model that it asks
	credentials = "HEADWAY_TEST_CREDENTIALS" // folder of its service account
	target      = "HEADWAY_TEST_TARGET"      // URL of the simulator
)

// canaryEvery is the time between two canaries.
const canaryEvery = 50 * time.Millisecond

func TestMain(m *testing.M) {
	if who := os.Getenv(asProber); who != "" {
		if err := probe(who); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// probe sends a canary every canaryEvery while it holds the Lease, until SIGTERM.
func probe(who string) error {
	dir := os.Getenv(credentials)
	server, err := lease.InCluster(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"), dir)
	if err != nil {
		return err
	}
	namespace, err := lease.Namespace(dir)
	if err != nil {
		return err
	}
	e := lease.New(lease.Config{
		Server: server, Namespace: namespace, Name: "headway-prober", Identity: who,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	e.Run(ctx, func(ctx context.Context) {
		for every := time.Tick(canaryEvery); ctx.Err() == nil; <-every {
			if e.Leads() {
				canary(ctx, who)
			}
		}
	})
	return nil
}

// canary asks the simulator for four tokens.
func canary(ctx context.Context, model string) {
	body := fmt.Sprintf(`{"model":%q,"max_tokens":4,"messages":[{"role":"user","content":"hello"}]}`, model)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv(target)+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close()
	}
}

// start starts a prober whose API server is at address.
func (s *stage) start(t *testing.T, who, address string) *interop.Process {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return interop.Start(t, []string{
		asProber + "=" + who, credentials + "=" + s.credentials, target + "=" + s.simulator.URL,
		"KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port,
	}, os.Args[0])
}
