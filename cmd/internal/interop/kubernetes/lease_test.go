//go:build interop

// Package kubernetes_test tests what headway has for Kubernetes with a real API server:
// the Lease for which probers compete, and the examples of manifests.
package kubernetes_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// takeover is the longest time without canaries after the death of the holder.
const takeover = 15 * time.Second

// access has a prober's Deployment, its service account and its rights.
const access = "deploy/kubernetes/bases/prober/prober.yaml"

// stage is what the probers of these tests need.
type stage struct {
	kubernetes  *interop.Kubernetes
	simulator   interop.Simulator
	credentials string
}

// TestInteropKubernetesLease begins every case with two probers, of which the first holds
// the Lease, and ends its turn in some manner.
func TestInteropKubernetesLease(t *testing.T) {
	s := &stage{kubernetes: interop.StartKubernetes(t)}
	program := interop.Build(t)
	s.kubernetes.Create(t, "namespace", "monitoring")
	s.kubernetes.Apply(t, "--filename="+interop.Path(t, access))
	s.credentials = s.kubernetes.Credentials(t, "monitoring", "headway-prober")
	tests := []struct {
		name        string
		end         func(*testing.T, *holder)
		least, most time.Duration // without canaries
		back        func(*testing.T, *holder)
	}{
		{"killed", func(t *testing.T, h *holder) {
			h.process.Signal(t, syscall.SIGKILL)
			h.process.Exit(t, interop.Patience)
		}, 5 * time.Second, takeover, nil},
		{"stopped in order", func(t *testing.T, h *holder) { h.process.Stop(t) }, 0, 5 * time.Second, nil},
		{"cut off from the API server", func(_ *testing.T, h *holder) { h.relay.cut() }, 2 * time.Second, takeover, func(_ *testing.T, h *holder) { h.relay.heal() }},
		{"frozen", func(t *testing.T, h *holder) { h.process.Signal(t, syscall.SIGSTOP) }, 5 * time.Second, takeover, func(t *testing.T, h *holder) { h.process.Signal(t, syscall.SIGCONT) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stage{kubernetes: s.kubernetes, simulator: program.StartSimulator(t), credentials: s.credentials}
			h := &holder{relay: startRelay(t, s.kubernetes.Host+":"+s.kubernetes.Port)}
			h.process = s.start(t, "first", h.relay.address)
			s.await(t, "first")
			s.start(t, "second", s.kubernetes.Host+":"+s.kubernetes.Port)
			time.Sleep(10 * time.Second)
			if turns := s.turns(t); len(turns) != 1 {
				t.Fatalf("before the end: %v", turns)
			}
			tt.end(t, h)
			s.await(t, "second")
			if tt.back != nil {
				tt.back(t, h)
			}
			time.Sleep(10 * time.Second)
			turns := s.turns(t)
			t.Logf("turns: %v", turns)
			if len(turns) != 2 {
				t.Fatalf("not two turns: %v", turns)
			}
			gap := turns[1].from.Sub(turns[0].to)
			t.Logf("%s: no canary for %v", tt.name, gap)
			if gap < tt.least || gap > tt.most {
				t.Errorf("no canary for %v, want %v to %v", gap, tt.least, tt.most)
			}
		})
	}
}

// TestInteropKubernetesLeaseNeedsRights starts a prober without a Role.
func TestInteropKubernetesLeaseNeedsRights(t *testing.T) {
	s := &stage{kubernetes: interop.StartKubernetes(t), simulator: interop.Build(t).StartSimulator(t)}
	s.kubernetes.Create(t, "serviceaccount", "nobody", "--namespace=default")
	s.credentials = s.kubernetes.Credentials(t, "default", "nobody")
	p := s.start(t, "nobody", s.kubernetes.Host+":"+s.kubernetes.Port)
	time.Sleep(10 * time.Second)
	if turns := s.turns(t); len(turns) > 0 {
		t.Errorf("canaries without the Lease: %v", turns)
	}
	for _, want := range []string{"lacks the verb get", "resources: [leases], verbs: [get, create, update]", "system:serviceaccount:default:nobody"} {
		if text := p.Printed(t); !strings.Contains(text, want) {
			t.Errorf("%q is not in the log:\n%s", want, text)
		}
	}
}

// holder is the process that holds the Lease, and its way to the API server.
type holder struct {
	process *interop.Process
	relay   *relay
}

// turn is a time in which the canaries of one prober arrived.
type turn struct {
	who      string
	from, to time.Time // of the first arrival, and of the end of the last answer
	canaries int
}

func (t turn) String() string {
	return fmt.Sprintf("%s %s to %s (%d canaries)", t.who, t.from.Format("05.000"), t.to.Format("05.000"), t.canaries)
}

// turns returns who sent when. Canaries of two probers at a time fail the test.
func (s *stage) turns(t *testing.T) []turn {
	t.Helper()
	var turns []turn
	for _, x := range s.simulator.Exchanges(t) {
		from, to := time.Unix(0, x.ReceivedAt), time.Unix(0, max(x.EndAt, x.GoneAt, x.ReceivedAt))
		if n := len(turns); n == 0 || turns[n-1].who != x.Model {
			if n > 0 && (from.Before(turns[n-1].to) || open(x)) {
				t.Errorf("%s sends at %s, before %v is over", x.Model, from.Format("05.000"), turns[n-1])
			}
			turns = append(turns, turn{who: x.Model, from: from})
		}
		last := &turns[len(turns)-1]
		last.to, last.canaries = to, last.canaries+1
	}
	return turns
}

// open says whether an exchange has no end.
func open(x modelsim.Exchange) bool { return x.EndAt == 0 && x.GoneAt == 0 && x.Status != 0 }

// await waits until a canary of the prober has arrived.
func (s *stage) await(t *testing.T, who string) {
	t.Helper()
	interop.Eventually(t, time.Minute, func() error {
		turns := s.turns(t)
		if len(turns) == 0 || turns[len(turns)-1].who != who {
			return fmt.Errorf("%s has sent nothing: %v", who, turns)
		}
		return nil
	})
}

// relay is a network between a prober and the API server.
type relay struct {
	address string

	mu    sync.Mutex
	lost  bool // all bytes are
	conns []net.Conn
}

// startRelay starts a relay to an address.
func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &relay{address: l.Addr().String()}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, near, far)
			r.mu.Unlock()
			go r.copy(near, far)
			go r.copy(far, near)
		}
	}()
	return r
}

// copy hands bytes on, unless they are lost. It closes both ends of a broken connection.
func (r *relay) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		r.mu.Lock()
		lost := r.lost
		r.mu.Unlock()
		if lost {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut loses all bytes from now on. Connections stay open, as behind a broken network.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = true
}

// heal ends a cut. The connections from before have lost bytes, so they end.
func (r *relay) heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = false
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}
