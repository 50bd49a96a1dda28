// Package attack measures what one hostile peer costs headway and its other clients.
// headway runs as a process with 128 MiB of memory and carries a thousand streams of
// others. A peer attacks, and the package reads the CPU and the memory of the process,
// the lateness of the others' events, and the answers of the admin port.
package attack

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const (
	// Memory is the limit on the memory of headway, in bytes.
	Memory = 128 << 20
	// Streams is the number of streams of others.
	Streams = 1000
	// descriptors is the number of files that headway may have open.
	descriptors = 4096
	// quiet is how long the others are alone before an attack.
	quiet = 800 * time.Millisecond
)

// Stage is a sidecar under the load of others.
type Stage struct {
	Proxy    string // host and port of the listener
	Admin    string // host and port of the admin listener
	InCgroup bool   // headway has a cgroup with the limit; else GOMEMLIMIT alone bounds it

	process  *interop.Process
	upstream *upstream
	crowd    *crowd
}

// Attack is what a peer does. It returns when the peer is through.
type Attack struct {
	Name string
	// Run is the client's side. It may fail: headway refuses much of it.
	Run func(s *Stage)
	// Answer is the upstream's side: it answers one request. Nil answers 200.
	Answer Answer
}

// Cost is what an attack cost.
type Cost struct {
	CPU           time.Duration // beyond what the others took before
	Before, Peak  int           // resident memory in bytes
	Calm, Pressed time.Duration // p99 of the others' lateness, before and during the attack
	Health        time.Duration // the slowest answer of the liveness endpoint
	Took          time.Duration
}

// Start builds headway and starts it with the streams of others, and an upstream that
// answers as the attacks say.
func Start(t *testing.T, attacks []Attack) *Stage {
	t.Helper()
	exe := interop.Build(t)
	up := newUpstream(t, attacks)
	round := newForwarder(t)
	s := &Stage{Proxy: interop.FreeAddress(t), Admin: interop.FreeAddress(t), upstream: up}
	round.lead(s.Proxy)
	shell := fmt.Sprintf("ulimit -n %d; exec %s run", descriptors, exe)
	if group, ok := interop.LimitedCgroup(t, Memory); ok {
		s.InCgroup = true
		shell = fmt.Sprintf("echo $$ > %s/cgroup.procs && %s", group, shell)
	}
	env := []string{
		"HEADWAY_UPSTREAM=http://" + up.address,
		"HEADWAY_ROUTES=" + loopPath + "=http://" + round.address,
		"HEADWAY_LISTEN=" + s.Proxy,
		"HEADWAY_ADMIN_LISTEN=" + s.Admin,
		"HEADWAY_DRAIN_DELAY=0", "HEADWAY_DRAIN_TIMEOUT=1s",
	}
	if !s.InCgroup {
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%d", Memory*9/10))
	}
	s.process = interop.Start(t, env, "sh", "-c", shell)
	interop.Eventually(t, 10*time.Second, func() error {
		_, err := interop.Get("http://" + s.Admin + "/healthz/ready")
		return err
	})
	s.crowd = gather(t, s.Proxy)
	return s
}

// Measure runs one attack and returns its cost. It fails the test if the process ends,
// needs more memory than it has, does not answer on its admin port within a second, or
// if a stream of others ends or is altered. Other work of the machine may delay an answer,
// but an error of headway delays it in every round.
func (s *Stage) Measure(t *testing.T, a Attack) Cost {
	t.Helper()
	const rounds = 4
	asked := s.upstream.asked.Load()
	c := s.round(t, a)
	for n := 1; c.Health > time.Second && n < rounds; n++ {
		c = s.round(t, a)
	}
	if a.Answer != nil && s.upstream.asked.Load() == asked {
		t.Error("the attack did not reach the upstream")
	}
	s.judge(t, c)
	return c
}

func (s *Stage) round(t *testing.T, a Attack) Cost {
	t.Helper()
	s.settle(t)
	m := s.meter(t)
	cpu, began := m.cpu(t), time.Now()
	s.crowd.restart()
	time.Sleep(quiet)
	share := float64(m.cpu(t)-cpu) / float64(time.Since(began))
	c := Cost{Calm: s.crowd.late(0.99), Before: m.memory(t)}

	s.crowd.restart()
	cpu, began = m.cpu(t), time.Now()
	stop := m.watch(s.Admin)
	if a.Run != nil {
		a.Run(s)
	}
	time.Sleep(max(0, quiet-time.Since(began))) // of what the peer left behind
	c.Peak, c.Health = stop()
	c.Took = time.Since(began)
	c.CPU = max(0, m.cpu(t)-cpu-time.Duration(share*float64(c.Took)))
	c.Pressed = s.crowd.late(0.99)
	return c
}

func (s *Stage) judge(t *testing.T, c Cost) {
	t.Helper()
	if c.Peak >= Memory {
		t.Errorf("headway needed %d MiB", c.Peak>>20)
	}
	if c.Health > time.Second {
		t.Errorf("/healthz/live took %v", c.Health)
	}
	if err := s.crowd.err(); err != nil {
		t.Error(err)
	}
}

// settle waits until headway has given back the memory of the attack before, as far as
// it does so within a moment.
func (s *Stage) settle(t *testing.T) {
	t.Helper()
	m := s.meter(t)
	least := m.memory(t)
	for range 3 {
		_, _ = interop.Get("http://" + s.Admin + "/debug/pprof/heap?gc=1")
		time.Sleep(150 * time.Millisecond)
		now := m.memory(t)
		if now > least*98/100 {
			return
		}
		least = now
	}
}

// String is one row of a table in Markdown, without the name of the attack.
func (c Cost) String() string {
	return fmt.Sprintf("%.2f | %d | %d | %.1f | %.1f | %.0f |", c.CPU.Seconds(), (c.Peak-c.Before)>>20, c.Peak>>20,
		c.Calm.Seconds()*1e3, c.Pressed.Seconds()*1e3, c.Health.Seconds()*1e3)
}

// Table heads the rows that Cost.String makes.
func Table() string {
	columns := []string{"attack", "CPU, s", "memory added, MiB", "resident at most, MiB", "p99 before, ms", "p99 during, ms", "liveness, ms"}
	return "| " + strings.Join(columns, " | ") + " |\n|" + " --- |" + strings.Repeat(" ---: |", len(columns)-1)
}

// Close lets the streams of others end, and checks that each is whole.
func (s *Stage) Close(t *testing.T) {
	t.Helper()
	close(s.upstream.ending)
	if whole := s.crowd.end(); whole != Streams {
		t.Errorf("%d of %d streams of others are whole: %v", whole, Streams, s.crowd.err())
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", s.process.PID())); err != nil {
		t.Errorf("headway is gone: %s", s.process.Printed(t))
	}
}
