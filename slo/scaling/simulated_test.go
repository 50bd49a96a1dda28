package scaling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/scaling"
)

const (
	// slots is how many requests a simulated replica works on at once. As many in flight kept
	// the SLO in its load test.
	slots = 4
	// perSlot is how many requests a second one slot answers: an answer of 20 tokens takes 0.85 s.
	perSlot = 1 / .85
	// poll is how often a sidecar counts what is in flight.
	poll = 250 * time.Millisecond
)

// replica is a simulated model server under virtual time, and the part of its sidecar that
// makes the number.
type replica struct {
	*testing.T
	sim    *modelsim.Server
	api    http.Handler // of sim
	judge  *slo.Judge
	signal *scaling.Signal

	mu       sync.Mutex
	inFlight int
	counts   []int // of inFlight, poll apart
}

func newReplica(t *testing.T) *replica {
	c := modelsim.DefaultConfig()
	c.StepBase = 40 * time.Millisecond
	c.Jitter, c.MaxRunning, c.MaxWaiting, c.EarlyHead, c.KeepExchanges = .1, slots, 200, false, 1
	sim, err := modelsim.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	signal := scaling.New()
	set := slo.Set{SLOs: []slo.SLO{{
		Name: chat, Objective: 95, Window: 24 * time.Hour, Good: slo.Objectives{{Indicator: exchange.TTFT, Limit: 500 * time.Millisecond}},
	}}}
	return &replica{T: t, sim: sim, api: sim.Handler(), signal: signal, judge: slo.New(slo.Config{Set: set, Role: exchange.Server, Next: signal})}
}

// firstByte notes when an answer begins.
type firstByte struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (w *firstByte) Write(p []byte) (int, error) {
	if w.at.IsZero() {
		w.at = time.Now()
	}
	return w.ResponseRecorder.Write(p)
}

// ask sends one request and gives the judge what came of it.
func (r *replica) ask(n int) {
	r.add(1)
	defer r.add(-1)
	body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":20,"messages":[{"role":"user","content":"question %d"}]}`, model, n)
	start, answer := time.Now(), &firstByte{ResponseRecorder: httptest.NewRecorder()}
	r.api.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
	x := exchange.Record{
		Start: start, Origin: exchange.App, Role: exchange.Server, Operation: exchange.Chat, Model: exchange.Model{Request: model}, Stream: true,
		Status: answer.Code, Outcome: exchange.OK, Attempt: exchange.Attempt{Number: 1}, Timing: exchange.Timing{End: time.Since(start)},
	}
	if answer.Code == http.StatusServiceUnavailable {
		x.Outcome, x.ErrorType, x.Stream = exchange.Refused, "503", false
	} else {
		first := answer.at.Sub(start)
		x.Timing.FirstChunk, x.Timing.FirstEvent, x.Timing.FirstToken, x.Timing.LastToken = first, first, first, x.Timing.End
	}
	r.judge.Observe(x)
}

func (r *replica) add(n int) {
	r.mu.Lock()
	r.inFlight += n
	r.mu.Unlock()
}

// count notes what is in flight, as the sidecar does.
func (r *replica) count() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts = append(r.counts, r.inFlight)
	r.counts = r.counts[max(0, len(r.counts)-int(scaling.Window/poll)):]
}

// number is what the replica exports.
func (r *replica) number() float64 {
	r.mu.Lock()
	sum := 0
	for _, n := range r.counts {
		sum += n
	}
	mean := float64(sum) / float64(len(r.counts))
	r.mu.Unlock()
	return ratio(r.signal, load(mean/slots))
}

// fleet is a number of replicas that share the requests, and their autoscaler.
type fleet struct {
	*testing.T
	replicas []*replica
	random   *rand.Rand
	asked    int
	open     sync.WaitGroup // of requests
}

func newFleet(t *testing.T, n int) *fleet {
	f := &fleet{T: t, random: rand.New(rand.NewPCG(3, 4))}
	for range n {
		f.replicas = append(f.replicas, newReplica(t))
	}
	return f
}

// run sends so many requests a second, at random times, and calls every poll.
func (f *fleet) run(d time.Duration, rate float64, every func()) {
	next := f.after(rate)
	for range int(d / poll) {
		for ; next < poll; next += f.after(rate) {
			f.asked++
			r, n := f.replicas[f.asked%len(f.replicas)], f.asked
			wait := next
			f.open.Go(func() {
				time.Sleep(wait)
				r.ask(n)
			})
		}
		next -= poll
		time.Sleep(poll)
		synctest.Wait()
		for _, r := range f.replicas {
			r.count()
		}
		every()
	}
}

func (f *fleet) after(rate float64) time.Duration {
	return time.Duration(f.random.ExpFloat64() / rate * float64(time.Second))
}

// sum adds up the numbers of the replicas.
func (f *fleet) sum() float64 {
	sum := 0.
	for _, r := range f.replicas {
		sum += r.number()
	}
	return sum
}

// TestOverload: the number of one replica crosses 1 once when the load becomes too much, and
// once when that is over.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		defer f.open.Wait()
		var numbers []float64
		phase := func(name string, capacities float64, d time.Duration) (last float64) {
			f.run(d, capacities*slots*perSlot, func() { numbers = append(numbers, f.sum()) })
			last = numbers[len(numbers)-1]
			t.Logf("%s: %.2f", name, last)
			return last
		}
		if got := phase("a third of the capacity", 1./3, 5*time.Minute); got < .2 || got > .45 {
			t.Errorf("a third of the capacity: %v", got)
		}
		if got := phase("twice the capacity", 2, 5*time.Minute); got != 2 {
			t.Errorf("overloaded: %v", got)
		}
		if got := phase("a third again", 1./3, 5*time.Minute); got < .2 || got > .45 {
			t.Errorf("recovered: %v", got)
		}
		crossings := 0
		for i := 1; i < len(numbers); i++ {
			if numbers[i-1] < 1 != (numbers[i] < 1) {
				crossings++
			}
		}
		if crossings != 2 {
			t.Errorf("the number crossed 1 %d times", crossings)
		}
	})
}

// TestFault: a server that is slow, because of a fault, needs help under the same load.
func TestFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		defer f.open.Wait()
		const rate = .5 * slots * perSlot
		f.run(5*time.Minute, rate, func() {})
		before := f.sum()
		for _, fault := range []struct {
			rule string
			want func(float64) bool
		}{
			{"slow=3:1", func(n float64) bool { return n == 2 }},              // three times as long
			{"http=400:1", func(n float64) bool { return n < before }},        // nothing that replicas could help
			{"http=503:1", func(n float64) bool { return n > 1.1 && n <= 2 }}, // turned away
			{"stall=1s:1", func(n float64) bool { return n > 1.1 && n <= 2 }}, // every first token is late
		} {
			rules, err := modelsim.ParseFaultRules(fault.rule)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.replicas[0].sim.SetFaults(rules); err != nil {
				t.Fatal(err)
			}
			f.run(3*time.Minute, rate, func() {})
			if got := f.sum(); !fault.want(got) {
				t.Errorf("%s: %v, and %v before", fault.rule, got, before)
			}
			if err := f.replicas[0].sim.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			f.run(8*time.Minute, rate, func() {})
			if got := f.sum(); got > .75 {
				t.Errorf("after %s: %v, and %v before", fault.rule, got, before)
			}
		}
	})
}

// autoscaler is Kubernetes' rule for a target of AverageValue 1, with the behaviour of
// deploy/kubernetes/keda.
type autoscaler struct {
	last    time.Time
	wishes  []wish
	changes []int // replicas after each change
}

type wish struct {
	at time.Time
	n  int
}

// want says how many replicas there should be, of n, by the sum of their numbers.
func (a *autoscaler) want(now time.Time, sum float64, n int) int {
	desired := n
	if math.Abs(sum/float64(n)-1) > .1 { // the tolerance
		desired = max(1, int(math.Ceil(sum)))
	}
	a.wishes = append(a.wishes, wish{now, desired})
	a.wishes = slices.DeleteFunc(a.wishes, func(w wish) bool { return now.Sub(w.at) > 10*time.Minute })
	least := slices.MaxFunc(a.wishes, func(x, y wish) int { return x.n - y.n }).n
	switch {
	case desired > n && now.Sub(a.last) >= 3*time.Minute:
		n = min(desired, 2*n)
	case desired < n && least < n && now.Sub(a.last) >= 2*time.Minute:
		n--
	default:
		return n
	}
	a.last = now
	a.changes = append(a.changes, n)
	return n
}

// turns counts how often the number of replicas began to rise or to fall after it had done the
// other. One is a backlog of the overload that was served and is gone.
func turns(changes []int) (n int) {
	for i := 2; i < len(changes); i++ {
		if changes[i-1] > changes[i-2] != (changes[i] > changes[i-1]) {
			n++
		}
	}
	return n
}

// TestFleet: traffic for 3.4 replicas comes to 1. An autoscaler that follows the sum of their
// numbers makes 4 or 5 of them and keeps them. When traffic falls to 1.3, it leaves 2.
func TestFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := newFleet(t, 1), &autoscaler{last: time.Now()}
		defer f.open.Wait()
		ticks := 0
		scale := func() {
			if ticks++; ticks%60 != 0 { // every 15 s
				return
			}
			n := a.want(time.Now(), f.sum(), len(f.replicas))
			for len(f.replicas) < n {
				fresh := newReplica(t)
				fresh.count()
				f.replicas = append(f.replicas, fresh)
			}
			f.replicas = f.replicas[:n]
		}
		f.run(25*time.Minute, 3.4*slots*perSlot, scale)
		rise := a.changes
		if n := len(f.replicas); n < 4 || n > 5 || turns(rise) > 1 {
			t.Errorf("%d replicas for the traffic of 3.4: %v", n, rise)
		}
		a.changes = nil
		f.run(25*time.Minute, 1.3*slots*perSlot, scale)
		if n := len(f.replicas); n != 2 || turns(a.changes) > 0 {
			t.Errorf("%d replicas for the traffic of 1.3: %v", n, a.changes)
		}
		t.Logf("up: %v, down: %v", rise, a.changes)
	})
}
