package modelsim_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestClientThatLeavesFreesItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning = 1
		h := start(t, cfg)
		ctx, leave := context.WithCancel(context.Background())
		resp, err := h.send(ctx, chatPath, chat(10, "a", `,"max_tokens":1000`)) //nolint:bodyclose // the goroutine below closes it
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer resp.Body.Close()
			io.Copy(io.Discard, resp.Body) //nolint:errcheck // it ends in the client's leaving
		}()
		// At 100 ms a step of 11 ms that began at 95 ms is under way.
		time.AfterFunc(100*ms, leave)
		second := h.truth(h.post(chatPath, chat(10, "b", `,"max_tokens":2`)))
		if got, want := time.Duration(second.ScheduledAt-second.ReceivedAt), 106*ms; got != want {
			t.Errorf("the second was scheduled after %v, want %v, the next step", got, want)
		}
		gone := h.sim.Exchanges(2)[0]
		if gone.Outcome != modelsim.OutcomeClientGone || gone.GoneAt-gone.ReceivedAt != int64(100*ms) {
			t.Errorf("outcome %s at %v, want client_gone at 100ms", gone.Outcome, time.Duration(gone.GoneAt-gone.ReceivedAt))
		}
		if gone.OutputTokens != 5 || gone.ShownTokens() != 5 {
			t.Errorf("%d tokens generated, %d shown; want the 5 until 95ms", gone.OutputTokens, gone.ShownTokens())
		}
		if s := h.sim.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("%d running and %d waiting, want none", s.Running, s.Waiting)
		}
	})
}

func TestClientThatLeavesWhileWaitingIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning = 1
		h := start(t, cfg)
		ctx, leave := context.WithTimeout(context.Background(), 20*ms)
		defer leave()
		if resp, err := h.send(ctx, chatPath, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`); err == nil {
			resp.Body.Close()
			t.Fatal("got an answer in 20ms, before the front end was through")
		}
		synctest.Wait()
		if s := h.sim.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("%d running and %d waiting, want none", s.Running, s.Waiting)
		}
		if ex := h.last(); ex.Outcome != modelsim.OutcomeClientGone || ex.ScheduledAt != 0 || ex.Status != 0 {
			t.Errorf("outcome %s, scheduled %d, status %d; want client_gone and zeros", ex.Outcome, ex.ScheduledAt, ex.Status)
		}
	})
}

func TestSlowClientLosesGrainAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.Backlog = 4
		h := start(t, cfg)
		resp, err := h.send(context.Background(), chatPath, chat(10, "a", `,"max_tokens":100`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		// Nothing is read for a second, longer than the answer takes.
		other := h.truth(h.post(chatPath, chat(10, "b", `,"max_tokens":30`)))
		if got := other.Gaps(); !slices.Equal(got, repeat(29, 12*ms)) {
			t.Errorf("gaps of the other client are %v, want all 12ms", got)
		}
		time.Sleep(2 * time.Second)
		for buf := make([]byte, 512); ; {
			if _, err := resp.Body.Read(buf); err != nil {
				break
			}
		}
		ex := h.sim.Exchanges(2)[0]
		if ex.ShownTokens() != 100 || ex.Outcome != modelsim.OutcomeOK {
			t.Errorf("%d tokens shown, outcome %s; want 100, ok", ex.ShownTokens(), ex.Outcome)
		}
		if n := len(ex.Chunks); n > 8 {
			t.Errorf("%d chunks, want the tokens that piled up merged", n)
		}
	})
}

func TestClosedServerCutsStreamsAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		time.AfterFunc(100*ms, func() { h.sim.Close() })
		if r := h.post(chatPath, chat(10, "a", `,"max_tokens":1000`)); r.err == nil {
			t.Error("a stream under way ended without an error")
		}
		if ex := h.last(); ex.Outcome != modelsim.OutcomeClosed {
			t.Errorf("outcome %s, want closed", ex.Outcome)
		}
		if r := h.post(chatPath, chat(10, "a", "")); r.status != 503 {
			t.Errorf("a later request got %d, want 503", r.status)
		}
	})
}
