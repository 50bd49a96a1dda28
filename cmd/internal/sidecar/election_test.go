package sidecar

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe"
)

// leases is an API server of Kubernetes that keeps Leases.
type leases struct {
	mu   sync.Mutex
	held map[string]map[string]any // by path
}

func (l *leases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := r.URL.Path
	if r.Method != http.MethodGet {
		var lease map[string]any
		if text, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(text, &lease) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPost {
			path += "/" + lease["metadata"].(map[string]any)["name"].(string)
		}
		l.held[path] = lease
	}
	if l.held[path] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	text, _ := json.Marshal(l.held[path])
	_, _ = w.Write(text)
}

// holder is who holds the Lease at path, empty for nobody.
func (l *leases) holder(path string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[path] == nil {
		return ""
	}
	return l.held[path]["spec"].(map[string]any)["holderIdentity"].(string)
}

// paths lists the Leases.
func (l *leases) paths() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for path := range l.held {
		all = append(all, path)
	}
	return all
}

// inCluster is the configuration of a pod with a prober, in a cluster of the test's own.
func inCluster(t *testing.T) (config.Config, *leases) {
	t.Helper()
	l := &leases{held: map[string]map[string]any{}}
	server := httptest.NewTLSServer(l)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"token": "secret", "namespace": "monitoring",
		"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config{ProbeFile: "probes.yaml", ProbeLease: config.LeaseAuto, PodName: "prober-7d4b9c", Cluster: config.Cluster{Host: host, Port: port, Credentials: dir}}
	c.Probes.List = []probe.Probe{{URL: "https://api.example.com", Model: "m"}}
	return c, l
}

func TestElectionIsOnWhereItCanBe(t *testing.T) {
	tests := []struct {
		name   string
		change func(*config.Config)
		on     bool
		want   string // in the error
	}{
		{"in a cluster", func(*config.Config) {}, true, ""},
		{"in a cluster, by name", func(c *config.Config) { c.ProbeLease = "shop/prober" }, true, ""},
		{"outside a cluster", func(c *config.Config) { c.Cluster.Host = "" }, false, ""},
		{"turned off", func(c *config.Config) { c.ProbeLease = config.LeaseOff }, false, ""},
		{"without canaries", func(c *config.Config) { c.ProbeFile, c.Probes = "", config.Probes{} }, false, ""},
		{"outside a cluster, by name", func(c *config.Config) { c.ProbeLease, c.Cluster.Host = "shop/prober", "" }, false, "HEADWAY_PROBE_LEASE: this process runs in no Kubernetes cluster"},
		{"without a token", func(c *config.Config) { c.Cluster.Credentials = filepath.Join(c.Cluster.Credentials, "none") }, false, "with HEADWAY_PROBE_LEASE=off this process sends canaries"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inCluster(t)
			tt.change(&c)
			e, err := newElection(c, slog.New(slog.DiscardHandler))
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v", err)
			}
			if (e != nil) != tt.on {
				t.Errorf("the election is %v", e)
			}
			if err == nil && e.leads() == tt.on {
				t.Errorf("before the election, leads is %v", e.leads())
			}
		})
	}
}

// TestElectionFollowsTheTargets changes the probe file while canaries are sent.
func TestElectionFollowsTheTargets(t *testing.T) {
	c, l := inCluster(t)
	e, err := newElection(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	turns, over := make(chan string, 10), make(chan struct{})
	go func() {
		defer close(over)
		e.run(ctx, func(ctx context.Context) {
			turns <- "begins"
			<-ctx.Done()
			turns <- "ends"
		})
	}()
	want := func(what string) {
		t.Helper()
		select {
		case got := <-turns:
			if got != what {
				t.Errorf("sending %s, want %s", got, what)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("sending does not: %s", what)
		}
	}
	want("begins")
	first := l.paths()
	if len(first) != 1 || !strings.HasPrefix(first[0], "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/headway-probe-") {
		t.Fatalf("Leases: %v", first)
	}
	if holder := l.holder(first[0]); !e.leads() || !strings.HasPrefix(holder, "prober-7d4b9c_") {
		t.Errorf("%q holds the Lease", holder)
	}
	e.aim([]probe.Probe{{URL: "https://api.example.com", Model: "m", Name: "another name"}}) // the same target
	e.aim([]probe.Probe{{URL: "https://api.example.com", Model: "m"}, {URL: "https://api.example.com", Model: "n"}})
	want("ends")
	want("begins")
	if l.holder(first[0]) != "" || len(l.paths()) != 2 {
		t.Errorf("after the change %q holds the first Lease of %v", l.holder(first[0]), l.paths())
	}
	stop()
	<-over
	want("ends")
	for _, path := range l.paths() {
		if l.holder(path) != "" {
			t.Errorf("in the end %q holds %s", l.holder(path), path)
		}
	}
}
