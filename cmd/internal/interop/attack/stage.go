// Package attack measures what one hostile peer costs headway and its other clients.
// headway runs as a process with 128 MiB of memory and carries a thousand streams of
// others. A peer attacks, and the package reads the CPU and the memory of the process,
// the lateness of the others' events, and the answers of the admin port.
package attack

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const (
	// Memory is the limit on the memory of headway, in bytes.
	Memory = 128 << 20
	// Streams is the number of streams of others that the goal names.
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

	streams  int // of others
	process  *interop.Process
	upstream *upstream
	crowd    *crowd
	beside   *Stage // for the attacker alone: its addresses lead to others than headway
}

// Attack is what a peer does. It returns when the peer is through.
type Attack struct {
	Name string
	// Run is the client's side. It may fail: headway refuses much of it.
	Run func(s *Stage)
	// Answer is the upstream's side: it answers one request. Nil answers 200.
	Answer Answer
	// Alone says that the attack needs a process of its own, without the memory that others
	// have left.
	Alone bool
}

// Cost is what an attack cost.
type Cost struct {
	CPU          time.Duration // beyond what the others took before
	Before, Peak int           // headway's own memory in bytes
	Health       time.Duration // the slowest answer of the liveness endpoint
	Took         time.Duration

	// The p99 of the others' lateness: without an attack, while the attacker does the same to
	// another server, and during the attack. What headway adds is the difference of the last two.
	Calm, Beside, Pressed moment
}

// Start builds headway and starts it with so many streams of others, and an upstream that
// answers as the attacks say.
func Start(t *testing.T, attacks []Attack, streams int) *Stage {
	t.Helper()
	exe := interop.ImageProgram(t).Source // as it is shipped
	up := newUpstream(t, attacks)
	round := newForwarder(t)
	s := &Stage{Proxy: interop.FreeAddress(t), Admin: interop.FreeAddress(t), streams: streams, upstream: up}
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
	up.headway.Store(int64(s.process.PID()))
	s.crowd = gather(t, s.Proxy, s.process.PID(), streams)
	s.beside = &Stage{Proxy: up.address, Admin: standIn(t, s.Admin)}
	return s
}

// standIn returns the address of a server that answers every request with the metrics of
// headway's admin port.
func standIn(t *testing.T, admin string) string {
	t.Helper()
	metrics, err := interop.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	answer := plain("text/plain", string(metrics))
	return listen(t, func(conn net.Conn) {
		if _, err := readRequest(bufio.NewReader(conn)); err == nil {
			_ = write(conn, answer)
		}
	})
}

// Measure runs one attack in some rounds and returns its cost: the most CPU, the most memory,
// and the median lateness. It fails the test if the process ends, needs more memory than it
// has, does not answer on its admin port within a second in any round, or if a stream of
// others ends or is altered. Other work of the machine may delay an answer, but an error of
// headway delays it in every round.
func (s *Stage) Measure(t *testing.T, a Attack, rounds int) Cost {
	t.Helper()
	const most = 4
	var costs []Cost
	slow := true
	for n := 0; n < rounds || slow && n < most; n++ {
		c := s.round(t, a)
		slow = slow && c.Health > time.Second
		costs = append(costs, c)
	}
	c := summary(costs)
	s.judge(t, c)
	return c
}

// summary is the cost of all rounds.
func summary(costs []Cost) Cost {
	all := costs[0]
	for _, c := range costs[1:] {
		all.CPU, all.Health = max(all.CPU, c.CPU), min(all.Health, c.Health)
		if c.Peak > all.Peak {
			all.Before, all.Peak = c.Before, c.Peak
		}
	}
	for _, of := range []func(c *Cost) *moment{
		func(c *Cost) *moment { return &c.Calm },
		func(c *Cost) *moment { return &c.Beside },
		func(c *Cost) *moment { return &c.Pressed },
	} {
		var clock, cpu []time.Duration
		for i := range costs {
			clock, cpu = append(clock, of(&costs[i]).clock), append(cpu, of(&costs[i]).cpu)
		}
		*of(&all) = moment{median(clock), median(cpu)}
	}
	return all
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// round measures one attack once.
func (s *Stage) round(t *testing.T, a Attack) Cost {
	t.Helper()
	var c Cost
	m := s.meter(t)
	cpu, began := m.cpu(t), time.Now()
	c.Calm = s.during(func(*Stage) {}, nil)
	share := float64(m.cpu(t)-cpu) / float64(time.Since(began))
	c.Beside = s.during(a.Run, s.beside)

	s.settle(t)
	c.Before = m.memory(t)
	asked := s.upstream.asked.Load()
	cpu, began = m.cpu(t), time.Now()
	stop := m.watch(s.Admin)
	c.Pressed = s.during(a.Run, s)
	c.Peak, c.Health = stop()
	c.Took = time.Since(began)
	c.CPU = max(0, m.cpu(t)-cpu-time.Duration(share*float64(c.Took)))
	if a.Answer != nil && s.upstream.asked.Load() == asked {
		t.Error("the attack did not reach the upstream")
	}
	return c
}

// during returns the p99 of the others' lateness while the attacker runs against a stage. A
// short attack counts with some time after it: headway may still be busy.
func (s *Stage) during(run func(*Stage), against *Stage) moment {
	began := time.Now()
	s.crowd.restart()
	if run != nil {
		run(against)
	}
	time.Sleep(max(0, quiet-time.Since(began)))
	return s.crowd.p99()
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
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	return fmt.Sprintf("%.2f | %d | %d | %.1f | %.1f | %.1f | %+.1f | %.1f | %.1f | %+.1f | %.0f |",
		c.CPU.Seconds(), (c.Peak-c.Before)>>20, c.Peak>>20,
		ms(c.Calm.clock), ms(c.Beside.clock), ms(c.Pressed.clock), ms(c.Pressed.clock-c.Beside.clock),
		ms(c.Beside.cpu), ms(c.Pressed.cpu), ms(c.Pressed.cpu-c.Beside.cpu), ms(c.Health))
}

// Table heads the rows that Cost.String makes.
func Table() string {
	columns := []string{
		"attack", "CPU, s", "memory added, MiB", "own memory at most, MiB",
		"p99 calm, ms", "p99 beside the attack, ms", "p99 under it, ms", "added, ms",
		"work beside, ms", "work under it, ms", "work added, ms", "liveness, ms",
	}
	return "| " + strings.Join(columns, " | ") + " |\n|" + " --- |" + strings.Repeat(" ---: |", len(columns)-1)
}

// Close lets the streams of others end, and checks that each is whole.
func (s *Stage) Close(t *testing.T) {
	t.Helper()
	close(s.upstream.ending)
	if whole := s.crowd.end(); whole != s.streams {
		t.Errorf("%d of %d streams of others are whole: %v", whole, s.streams, s.crowd.err())
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", s.process.PID())); err != nil {
		t.Errorf("headway is gone: %s", s.process.Printed(t))
	}
}
