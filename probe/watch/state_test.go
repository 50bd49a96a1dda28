package watch_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/watch"
)

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestARestartLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drift.json")
	synctest.Test(t, func(t *testing.T) {
		first := start(t, path)
		for range 400 {
			first.canary(ordinary(), 4)
		}
		for range 10 {
			first.canary(ordinary().slower(1.6), 4)
		}
		before := map[string]watch.Finding{}
		for _, name := range []string{"ttft", "tpot", "e2e", "tokens_per_chunk", "time_per_token"} {
			before[name] = first.finding(watch.Canary, name)
		}
		first.stop()
		second := start(t, path)
		for name, want := range before {
			got := second.finding(watch.Canary, name)
			if got.Verdict.ReturnPeriod != want.Verdict.ReturnPeriod || got.Verdict.Ratio != want.Verdict.Ratio || got.Cell != want.Cell {
				t.Errorf("%s was %+v,\nis %+v", name, want, got)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestWhatDoesNotFitBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drift.json")
	synctest.Test(t, func(t *testing.T) {
		first := start(t, path)
		for range 40 {
			first.canary(ordinary(), 4)
		}
		first.stop()
		for _, test := range []struct {
			name   string
			change func(*watch.Config)
			want   string
		}{
			{"the probe sends another prompt", func(c *watch.Config) { c.Probes[0].Shape.Input = 600 }, "the probe sends something else now"},
			{"another load test", func(c *watch.Config) { c.Baseline.Cells[0] = cell(500, 4, .3, .02) }, "it was compared with another load test"},
			{"another margin", func(c *watch.Config) { c.Settings.Margin = .2 }, "it has other settings"},
		} {
			second := start(t, path, test.change)
			f := second.finding(watch.Canary, "ttft")
			if f.Verdict.Ratio.Of != 0 || !strings.Contains(second.log.String(), test.want) {
				t.Errorf("%s: %+v; logged %s", test.name, f, second.log)
			}
			// The end writes the file anew: keep it for the next case.
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			second.stop()
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestADamagedStateIsPutAside(t *testing.T) {
	for name, text := range map[string]string{
		"torn":            `{"schema":"headway-watch/v1","tracks":[{"sou`,
		"a later version": `{"schema":"headway-watch/v2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "drift.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				b := start(t, path)
				b.canary(ordinary(), 4)
				if !strings.Contains(b.log.String(), "all detectors begin anew") {
					t.Errorf("logged %s", b.log)
				}
				if f := b.finding(watch.Canary, "ttft"); f.Verdict.Ratio.Of != 1 {
					t.Errorf("%+v", f)
				}
			})
			if aside, err := os.ReadFile(path + ".bad"); err != nil || string(aside) != text {
				t.Errorf("aside is %q, %v", aside, err)
			}
		})
	}
}

func TestADirectoryThatIsGoneIsLoggedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "drift.json")
	synctest.Test(t, func(t *testing.T) {
		b := start(t, path)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := strings.Count(b.log.String(), "will not survive a restart"); n != 1 {
			t.Errorf("logged %d times: %s", n, b.log)
		}
	})
}

// A new probe file must not cost the other probes what they know.
func TestReplaceKeepsWhatFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for range 20 {
			b.canary(ordinary(), 4)
		}
		more := canaryProbe()
		more.Name = "more"
		b.Replace(tested(), []probe.Probe{canaryProbe(), more})
		for _, f := range b.Findings(time.Now()) {
			if f.Probe == "chat" && f.Indicator == "ttft" && f.Verdict.Ratio.Of != 20 {
				t.Errorf("%+v", f)
			}
			if f.Probe == "more" && f.Indicator == "ttft" && f.Sentence != "TTFT: no canary has come back yet." {
				t.Errorf("%+v", f)
			}
		}
		b.Replace(baseline.Baseline{}, nil)
		if all := b.Findings(time.Now()); len(all) != 0 {
			t.Errorf("%+v", all)
		}
	})
}

// FuzzState restores damaged files. A Watch must go on with any.
func FuzzState(f *testing.F) {
	path := filepath.Join(f.TempDir(), "drift.json")
	f.Add([]byte(`{"schema":"headway-watch/v1","tracks":[{"source":"canary","probe":"chat","model":"gpt-x","indicator":"ttft","cell":"gpt-x/in500/out100/c4","state":{}}]}`))
	f.Add([]byte(`{"schema":"headway-watch/v1","identities":[{"source":"production","model":"gpt-x","names":[null,{"known":["a"]}],"habits":[{"trait":"time_per_token","reference":{"median":1},"more":{},"less":{}}]}]}`))
	f.Add([]byte(`{"schema":"headway-watch/v1","identities":[{"source":"production","model":"gpt-x","names":[{},{}],"habits":[{"trait":"time_per_token","usual":{"values":[1,2],"seen":2}}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			b := start(t, path)
			b.canary(ordinary(), 4)
			b.Observe(ordinary().record(b.random))
			synctest.Wait()
			if len(b.Findings(time.Now())) == 0 {
				t.Error("no findings")
			}
		})
	})
}
