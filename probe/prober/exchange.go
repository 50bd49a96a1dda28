package prober

import (
	"context"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// recordPatience is how long a run waits for its Record when its answer is over. The tap
// makes it right away, except of a compressed answer.
const recordPatience = 5 * time.Second

// exchange sends a canary and waits for its Record.
func (w *worker) exchange(ctx context.Context, via probe.Via) probe.Run {
	r := probe.Run{Probe: &w.probe, At: w.now(), Via: via}
	key, err := keyOf(w.probe.Auth, w.prober.config.Getenv)
	if err != nil {
		r.Outcome = probe.NoKey
		return r
	}
	request, err := w.writer.Next(key)
	if err != nil {
		r.Outcome = probe.Failed
		return r
	}
	r.Load, r.LoadSource = w.load(ctx)
	answer := w.writer.Answer(&request)
	ctx, cancel := context.WithTimeout(ctx, w.probe.Timeout)
	defer cancel()
	w.records.empty()
	r.At = w.now()
	got := w.sender.send(ctx, via, request, answer)
	r.Seen, r.Fingerprint = got.seen, answer.End()
	if !got.began {
		r.Outcome = probe.Failed // headway drains, or has no descriptor left
		return r
	}
	record, ok := w.records.take(recordPatience)
	if !ok {
		r.Outcome = probe.Failed
		return r
	}
	r.Record = record
	if via == probe.Direct && w.probe.Via == probe.Both {
		r.Seen = probe.Seen{TTFT: record.TTFT(), E2E: record.E2E()}
	}
	if r.LoadSource != probe.ServerGauge && got.utilization > 0 {
		r.Load, r.LoadSource = got.utilization, probe.Utilization
	}
	if r.Outcome = judge(&record, answer, w.probe.Shape.Output); record.Outcome == exchange.OK && !got.whole {
		r.Outcome = probe.Failed // the run's time was over in the last moment
	}
	w.calibrate(&r)
	return r
}

// calibrate corrects the length of the next prompt by the server's own count.
func (w *worker) calibrate(r *probe.Run) {
	u := &r.Record.Usage
	if r.Record.Outcome == exchange.OK && u.Input.Known && u.SourceOfInput() == exchange.Reported {
		r.Calibrating = !w.writer.Counted(u.Input.N)
	}
}

// judge returns the outcome of an exchange.
func judge(r *exchange.Record, answer *canary.Answer, asked int) probe.Outcome {
	switch {
	case r.Outcome == exchange.ConnectError:
		return probe.Unreachable
	case r.Status == 429:
		return probe.RateLimited
	case r.Status == 401, r.Status == 403:
		return probe.NoKey
	case r.Status == 404:
		return probe.NoModel
	case r.Outcome != exchange.OK:
		return probe.Failed
	}
	f := canary.Facts{Output: -1, Asked: asked}
	if u := &r.Usage; u.Output.Known && u.Source != exchange.Estimated {
		f.Output = u.Output.N
	}
	if r.Usage.Reasoning.Known {
		f.Reasoning = r.Usage.Reasoning.N
	}
	for _, reason := range r.FinishReasons {
		f.Filtered = f.Filtered || reason == "content_filter"
	}
	return answer.Judge(f)
}

// mailbox holds the Record of the run that is under way.
type mailbox struct {
	mu sync.Mutex
	to chan exchange.Record // nil: nobody has waited yet
}

// empty throws away what came too late for the run before, and waits for the next.
func (m *mailbox) empty() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.to == nil {
		m.to = make(chan exchange.Record, 1)
	}
	select {
	case <-m.to:
	default:
	}
}

// put never blocks.
func (m *mailbox) put(r exchange.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.to == nil {
		return
	}
	select {
	case m.to <- r:
	default:
	}
}

func (m *mailbox) take(within time.Duration) (exchange.Record, bool) {
	m.mu.Lock()
	from := m.to
	m.mu.Unlock()
	select {
	case r := <-from: // mostly: no need for a timer
		return r, true
	default:
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case r := <-from:
		return r, true
	case <-timer.C:
		return exchange.Record{}, false
	}
}
