package lease_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/lease"
)

// fleet are processes that want one Lease.
type fleet struct {
	t      *testing.T
	server *apiServer
	log    bytes.Buffer
	logger *slog.Logger

	mu     sync.Mutex
	acting map[string]bool
	turns  []turn
}

// turn is a time in which a process acted.
type turn struct {
	who  string
	from time.Time
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, server: newAPIServer(), acting: map[string]bool{}}
	f.logger = slog.New(slog.NewTextHandler(&f.log, nil))
	return f
}

// process is one of a fleet.
type process struct {
	*lease.Elector
	way  *way
	stop context.CancelFunc
	over chan struct{} // closed when Run has returned
}

// start starts a process whose way leads to the server.
func (f *fleet) start(who string) *process { return f.startBefore(who, nil) }

// startBefore starts a process whose requests get their answers from instead.
func (f *fleet) startBefore(who string, instead answer) *process {
	ctx, stop := context.WithCancel(f.t.Context())
	p := &process{way: &way{server: f.server, instead: instead}, stop: stop, over: make(chan struct{})}
	p.Elector = lease.New(lease.Config{
		Server: p.way.at(f.t), Namespace: "monitoring", Name: "prober", Identity: who,
		Log: f.logger.With("who", who),
	})
	go func() {
		defer close(p.over)
		p.Run(ctx, func(ctx context.Context) { f.lead(ctx, who, p.Elector) })
	}()
	return p
}

// lead acts until ctx ends. While it acts, nobody else may.
func (f *fleet) lead(ctx context.Context, who string, e *lease.Elector) {
	f.mu.Lock()
	f.acting[who] = true
	f.turns = append(f.turns, turn{who, time.Now()})
	if len(f.acting) > 1 {
		f.t.Errorf("at %v both act: %v", time.Since(f.server.began), slices.Sorted(maps.Keys(f.acting)))
	}
	if !e.Leads() {
		f.t.Errorf("%s acts and does not lead", who)
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	delete(f.acting, who)
	f.mu.Unlock()
}

// took returns the turns so far.
func (f *fleet) took() []turn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.turns)
}

// leader is the process that acts, empty without one.
func (f *fleet) leader() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for who := range f.acting {
		return who
	}
	return ""
}

// kill ends a process as SIGKILL does: it stops at once and gives nothing back.
func (p *process) kill() {
	p.way.use(refusing)
	p.stop()
	<-p.over
}

func TestFirstProcessLeadsAtOnceAndWritesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a := f.start("a")
		time.Sleep(time.Second)
		if f.leader() != "a" || !a.Leads() {
			t.Errorf("%q acts after a second", f.leader())
		}
		for field, want := range map[string]any{"holderIdentity": "a", "leaseDurationSeconds": 9., "leaseTransitions": 0.} {
			if got := f.server.spec(field); got != want {
				t.Errorf("%s is %v, want %v", field, got, want)
			}
		}
		if at, err := time.Parse("2006-01-02T15:04:05.000000Z", f.server.spec("renewTime").(string)); err != nil || time.Since(at) > time.Second {
			t.Errorf("renewTime is %v, %v", at, err)
		}
		a.stop()
		<-a.over
	})
}

func TestOthersWaitAndAskSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a := f.start("a")
		time.Sleep(time.Second)
		b := f.start("b")
		before := f.server.requests("GET")
		time.Sleep(10 * time.Minute)
		if f.leader() != "a" || b.Leads() {
			t.Errorf("%q acts", f.leader())
		}
		if asked := f.server.requests("GET") - before; asked < 200 || asked > 270 {
			t.Errorf("b asked %d times in ten minutes", asked)
		}
		if wrote := f.server.requests("PUT"); wrote < 290 || wrote > 300 {
			t.Errorf("a wrote %d times in ten minutes", wrote)
		}
		for _, p := range []*process{b, a} {
			p.stop()
			<-p.over
		}
	})
}

// TestDeathAndEndOfAHolder measures how long nobody acts.
func TestDeathAndEndOfAHolder(t *testing.T) {
	tests := []struct {
		name        string
		end         func(*process)
		least, most time.Duration
	}{
		{"killed", (*process).kill, lease.Duration - lease.RenewPeriod, lease.Duration + lease.AskPeriod + 100*time.Millisecond},
		{"stopped in order", func(p *process) { p.stop(); <-p.over }, 0, lease.AskPeriod + 100*time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for after := range 20 {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t)
					a := f.start("a")
					time.Sleep(time.Second)
					b := f.start("b")
					time.Sleep(time.Minute + time.Duration(after)*171*time.Millisecond)
					tt.end(a)
					ended := time.Now()
					for f.leader() != "b" {
						time.Sleep(10 * time.Millisecond)
					}
					if took := time.Since(ended); took < tt.least || took > tt.most {
						t.Errorf("the other began after %v, want %v to %v", took, tt.least, tt.most)
					}
					if got := f.server.spec("leaseTransitions"); got != 1. {
						t.Errorf("%v transitions", got)
					}
					b.stop()
					<-b.over
				})
			}
		})
	}
}

// TestHolderWithoutAServerStopsBeforeOthersBegin cuts the leader's way to the server, in
// several manners. f.lead fails the test if two act at a time.
func TestHolderWithoutAServerStopsBeforeOthersBegin(t *testing.T) {
	tests := []struct {
		name string
		cut  func(*way) answer
	}{
		{"packets are lost", func(*way) answer { return silent }},
		{"connections are refused", func(*way) answer { return refusing }},
		{"the server is ill", func(*way) answer { return status(500, "etcd") }},
		{"the token is refused", func(*way) answer { return status(401, "") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				a := f.start("a")
				time.Sleep(time.Second)
				b := f.start("b")
				time.Sleep(time.Minute)
				a.way.use(tt.cut(a.way))
				cut := time.Now()
				for f.leader() == "a" {
					time.Sleep(10 * time.Millisecond)
				}
				stopped := time.Since(cut)
				for f.leader() != "b" {
					time.Sleep(10 * time.Millisecond)
				}
				began := time.Since(cut)
				if stopped > lease.RenewDeadline || began-stopped < lease.Duration-lease.RenewDeadline-50*time.Millisecond {
					t.Errorf("a stopped after %v, b began after %v", stopped, began)
				}
				if a.Leads() {
					t.Error("a leads still")
				}
				a.way.use(nil)
				time.Sleep(time.Minute)
				if f.leader() != "b" || a.Leads() {
					t.Errorf("%q acts when the server is back", f.leader())
				}
				for _, p := range []*process{a, b} {
					p.stop()
					<-p.over
				}
			})
		})
	}
}

func TestShortOutageChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a := f.start("a")
		time.Sleep(time.Second)
		b := f.start("b")
		for range 20 {
			time.Sleep(30 * time.Second)
			a.way.use(silent)
			b.way.use(refusing)
			time.Sleep(2 * time.Second) // less than the requests of which a holder may lose one
			a.way.use(nil)
			b.way.use(nil)
		}
		if len(f.took()) != 1 || !a.Leads() {
			t.Errorf("%d turns", len(f.took()))
		}
		for _, p := range []*process{b, a} {
			p.stop()
			<-p.over
		}
	})
}

// TestAnswerThatIsLost lets the server take a write whose answer never comes.
func TestAnswerThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a := f.start("a")
		time.Sleep(time.Minute)
		a.way.use(a.way.deaf)
		time.Sleep(lease.RenewPeriod)
		a.way.use(nil)
		time.Sleep(time.Minute)
		if len(f.took()) != 1 || f.leader() != "a" {
			t.Errorf("%d turns, %q acts", len(f.took()), f.leader())
		}
		a.stop()
		<-a.over
	})
}

// TestTimesOfOthersDoNotMatter finds a Lease of a process that is dead or that has another
// time of day: only how long the record stays the same counts.
func TestTimesOfOthersDoNotMatter(t *testing.T) {
	for name, renewed := range map[string]string{
		"long ago": "2001-01-01T00:00:00.000000Z", "in the future": "2999-01-01T00:00:00.000000Z", "never": "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				f.server.edit(func(map[string]any) map[string]any {
					spec := map[string]any{"holderIdentity": "z", "leaseDurationSeconds": 20, "renewTime": renewed, "strategy": "kept"}
					return map[string]any{"metadata": map[string]any{"labels": map[string]any{"kept": "too"}}, "spec": spec}
				})
				a := f.start("a")
				began := time.Now()
				for f.leader() != "a" {
					time.Sleep(10 * time.Millisecond)
				}
				if took := time.Since(began); took < 20*time.Second || took > 20*time.Second+100*time.Millisecond {
					t.Errorf("a began after %v", took)
				}
				if labels := f.server.lease["metadata"].(map[string]any)["labels"]; fmt.Sprint(labels) != "map[kept:too]" || f.server.spec("strategy") != "kept" {
					t.Errorf("the Lease is %v now", f.server.lease)
				}
				a.stop()
				<-a.over
			})
		})
	}
}

// TestSomebodyChangesTheLease while a holds it and b waits.
func TestSomebodyChangesTheLease(t *testing.T) {
	tests := []struct {
		name   string
		change func(map[string]any) map[string]any
		want   []string // who acts in the minute after
	}{
		{"a label", func(l map[string]any) map[string]any {
			l["metadata"].(map[string]any)["labels"] = map[string]any{"team": "x"}
			return l
		}, []string{"a"}},
		{"deleted", func(map[string]any) map[string]any { return nil }, []string{"a"}},
		{"another holder, who never renews", func(l map[string]any) map[string]any {
			l["spec"].(map[string]any)["holderIdentity"] = "z"
			return l
		}, []string{"a", "any"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				a := f.start("a")
				time.Sleep(time.Second)
				b := f.start("b")
				time.Sleep(10*time.Second + 700*time.Millisecond)
				f.server.edit(tt.change)
				time.Sleep(time.Minute)
				if len(f.took()) != len(tt.want) || tt.want[0] != f.took()[0].who {
					t.Errorf("turns: %v", f.took())
				}
				for _, p := range []*process{a, b} {
					p.stop()
					<-p.over
				}
			})
		})
	}
}

// TestLeadsEndsByItself lets a renewal hang for ever, as in a process that was stopped.
func TestLeadsEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a := f.start("a")
		time.Sleep(time.Second)
		release := make(chan struct{})
		a.way.use(func(*http.Request) (*http.Response, error) {
			<-release
			return nil, context.Canceled
		})
		time.Sleep(lease.RenewDeadline)
		if a.Leads() || f.leader() != "" {
			t.Errorf("%q acts %v after the last renewal", f.leader(), lease.RenewDeadline)
		}
		close(release)
		a.stop()
		<-a.over
	})
}

// TestNobodyActsWithoutTheRight says once in the log what is missing.
func TestNobodyActsWithoutTheRight(t *testing.T) {
	tests := []struct {
		name   string
		answer answer
		want   []string
	}{
		{"no Role", status(403, `leases "prober" is forbidden`), []string{
			"403 Forbidden", "lacks the verb get", "{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}", "monitoring", "is forbidden",
		}},
		{"bad token", status(401, "Unauthorized"), []string{"401", "does not accept the token"}},
		{"no namespace", func(r *http.Request) (*http.Response, error) {
			return status(404, "namespaces monitoring not found")(r)
		}, []string{"404", "creating the Lease prober", "namespaces monitoring not found"}},
		{"a page of something else", func(*http.Request) (*http.Response, error) { return reply(200, []byte("<html>")), nil }, []string{"reading the answer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				a := f.startBefore("a", tt.answer)
				time.Sleep(10 * time.Minute)
				if len(f.took()) > 0 {
					t.Errorf("%v acted", f.took())
				}
				a.stop()
				<-a.over
				for _, want := range tt.want {
					if !strings.Contains(f.log.String(), want) {
						t.Errorf("the log lacks %q:\n%s", want, &f.log)
					}
				}
				if lines := strings.Count(f.log.String(), "\n"); lines != 1 {
					t.Errorf("%d lines:\n%s", lines, &f.log)
				}
			})
		})
	}
}

func TestErrorsAreAskedAboutLessAndLess(t *testing.T) {
	for name, tt := range map[string]struct {
		answer      answer
		least, most int
	}{
		"ill":             {status(500, ""), 40, 60}, // 15 s apart, less a quarter at most
		"asks to be left": {status(429, "", "Retry-After", "60"), 10, 11},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, asked := newFleet(t), 0
				a := f.startBefore("a", func(r *http.Request) (*http.Response, error) {
					asked++
					return tt.answer(r)
				})
				time.Sleep(10 * time.Minute)
				a.stop()
				<-a.over
				if asked < tt.least || asked > tt.most {
					t.Errorf("asked %d times in ten minutes", asked)
				}
			})
		})
	}
}

// TestNeverTwoAtOnce runs five processes through hours of deaths, cuts and restarts.
// f.lead fails the test if two act at a time.
func TestNeverTwoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		f := newFleet(t)
		var all []*process
		for i := range 5 {
			all = append(all, f.start(fmt.Sprint("first ", i)))
		}
		for i := range 500 {
			time.Sleep(time.Duration(random.IntN(40000)) * time.Millisecond)
			at := random.IntN(len(all))
			switch p := all[at]; random.IntN(6) {
			case 0:
				p.kill()
				all[at] = f.start(fmt.Sprint("again ", i))
			case 1:
				p.stop()
				<-p.over
				all[at] = f.start(fmt.Sprint("again ", i))
			case 2:
				p.way.use(silent)
			case 3:
				p.way.use(p.way.deaf)
			default:
				p.way.use(nil)
			}
		}
		for _, p := range all {
			p.kill()
		}
		if len(f.took()) < 50 {
			t.Errorf("%d turns", len(f.took()))
		}
	})
}

func TestWithoutOthersAProcessLeads(t *testing.T) {
	var alone *lease.Elector
	led := false
	alone.Run(t.Context(), func(context.Context) { led = alone.Leads() })
	if !led {
		t.Error("a nil Elector does not lead")
	}
}
