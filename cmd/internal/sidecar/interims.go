package sidecar

import (
	"context"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// watchOpen tells observers what happens to open streams, until ctx ends. The Records tell
// the rest.
func watchOpen(ctx context.Context, t *tap.Tap, observers []exchange.InterimObserver) {
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
		for i := range all {
			for _, o := range observers {
				o.ObserveInterim(all[i])
			}
		}
		clear(all)
	}
}
