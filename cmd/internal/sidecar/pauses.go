package sidecar

import (
	"context"
	"log/slog"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/pause"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// pauses finds the pauses of the model servers that a sidecar stands beside. A nil pauses
// finds none.
type pauses struct{ *pause.Detector }

// newPauses returns nil beside an application: its upstream is a fleet whose other streams
// nobody sees here.
func newPauses(role exchange.Role) *pauses {
	if role != exchange.Server {
		return nil
	}
	return &pauses{pause.New(tap.Instant(0).Time())}
}

// before returns the stage that tells Records of pauses before next, or next itself.
func (p *pauses) before(next exchange.Observer) exchange.Observer {
	if p == nil {
		return next
	}
	return pause.Stage{Detector: p.Detector, Next: next}
}

// watch looks at all streams until ctx ends, and tells observers the pauses that are over.
func (p *pauses) watch(ctx context.Context, t *tap.Tap, observers []exchange.InterimObserver, log *slog.Logger) {
	if p == nil {
		return
	}
	tick := time.NewTicker(pause.Every)
	defer tick.Stop()
	var flows []exchange.EngineFlow
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		flows = t.AppendFlows(flows[:0], pause.Lookback)
		hand(p.Look(time.Duration(tap.Now()), flows), observers, log)
		clear(flows)
	}
}
