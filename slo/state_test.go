package slo_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

func judgeOf(slos ...slo.SLO) *slo.Judge {
	return slo.New(slo.Config{Set: slo.Set{SLOs: slos}, Next: exchangetest.Nowhere{}})
}

func TestErrorBudgetsSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slo.json")
	synctest.Test(t, func(t *testing.T) {
		other := promise("other", slo.Objective{exchange.TTFT, 500 * ms})
		first := judgeOf(interactive(), other)
		first.Observe(stream(4, -1, 0))
		time.Sleep(time.Hour)
		first.Observe(with(late))
		if err := first.Save(path); err != nil {
			t.Fatal(err)
		}

		time.Sleep(time.Minute)
		other.Good[0].Limit = time.Second
		second := judgeOf(other, interactive())
		second.Observe(with(late)) // before it was restored
		if err := second.Restore(path); err != nil {
			t.Fatal(err)
		}
		got := second.Snapshot(time.Now()).SLOs
		if b := got[1].Budget; b.Requests != 3 || b.Bad != 2 {
			t.Errorf("%d requests, %d bad; want 3, 2", b.Requests, b.Bad)
		}
		if b := got[0].Budget; b.Requests != 1 {
			t.Errorf("%d requests of an SLO that changed, want the one since", b.Requests)
		}
		if n := got[1].Goodput[4].Requests; n != 1 {
			t.Errorf("%d requests in the last hours, of which this process saw 1", n)
		}
	})
}

func TestAStateFileThatIsNotThereIsNoError(t *testing.T) {
	if err := judgeOf(interactive()).Restore(filepath.Join(t.TempDir(), "slo.json")); err != nil {
		t.Error(err)
	}
}

func TestAStateFileThatCannotBeReadIsPutAside(t *testing.T) {
	for name, text := range map[string]string{
		"torn":                `{"version":1,"slos":{"inter`,
		"of a later version":  `{"version":2,"slos":{}}`,
		"with hours upside":   `{"version":1,"slos":{"interactive":{"hours":[[2,1,1],[1,1,1]]}}}`,
		"with more good ones": `{"version":1,"slos":{"interactive":{"hours":[[2,1,5]]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "slo.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := judgeOf(interactive()).Restore(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want an error that names the file", err)
			}
			if aside, err := os.ReadFile(path + ".bad"); err != nil || string(aside) != text {
				t.Errorf("put aside %q, %v", aside, err)
			}
		})
	}
}

func TestSaveLeavesTheOldFileWhenItCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "slo.json")
	if err := judgeOf(interactive()).Save(path); err == nil {
		t.Error("saved into a directory that is not there")
	}
}

func TestKeepSavesEveryMinuteAndAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slo.json")
	synctest.Test(t, func(t *testing.T) {
		j := judgeOf(interactive())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			j.Keep(ctx, path, slog.New(slog.DiscardHandler))
			close(done)
		}()
		saved := func() uint64 {
			later := judgeOf(interactive())
			if err := later.Restore(path); err != nil {
				t.Fatal(err)
			}
			return status(later).Budget.Requests
		}
		j.Observe(stream(4, -1, 0))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := saved(); n != 1 {
			t.Errorf("%d requests after a minute, want 1", n)
		}
		j.Observe(stream(4, -1, 0))
		stop()
		<-done
		if n := saved(); n != 2 {
			t.Errorf("%d requests at the end, want 2", n)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("left %v, %v; want the file alone", files, err)
		}
	})
}
