package sidecar

import (
	"context"
	"log/slog"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// watchOpen tells observers what happens to open streams, until ctx ends. The Records tell
// the rest.
func watchOpen(ctx context.Context, t *tap.Tap, observers []exchange.InterimObserver, log *slog.Logger) {
	tick := time.NewTicker(tap.InterimsEvery)
	defer tick.Stop()
	var all []exchange.Interim
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		all = t.AppendInterims(all[:0])
		hand(all, observers, log)
		clear(all)
	}
}

// hand hands Interims to observers. One that panics loses the rest of them: it must not end
// the process, which forwards traffic.
func hand(all []exchange.Interim, observers []exchange.InterimObserver, log *slog.Logger) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("counting what happened to open streams", "panic", v)
		}
	}()
	for i := range all {
		for _, o := range observers {
			o.ObserveInterim(all[i])
		}
	}
}
