package main

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// memoryCheck is how often returnMemory looks.
	memoryCheck = time.Second
	// memoryBurst is how many connections have to go for a collection to be worth it.
	memoryBurst = 100
)

// limitMemory has the collector keep headway within 90 % of what the cgroup allows,
// followed until ctx ends, for a pod may be resized. GOMEMLIMIT has precedence, and
// Go reads that itself. The cores of the cgroup are Go's own business too.
func limitMemory(ctx context.Context, log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRefreshInterval(ctx, time.Minute))
	switch {
	case err != nil:
		log.Debug("no memory limit is known", "err", err)
	case limit != math.MaxInt64:
		log.Info("memory limit", "bytes", limit)
	}
}

// returnMemory gives memory back to the system when most of the open connections
// have gone, until ctx ends. Left alone, Go keeps what a burst took until its
// next collection, and a sidecar that went quiet collects every two minutes.
func returnMemory(ctx context.Context, open func() int) {
	tick := time.NewTicker(memoryCheck)
	defer tick.Stop()
	peak := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := open()
		if peak-now >= memoryBurst && now < peak/2 {
			debug.FreeOSMemory()
			peak = now
		}
		peak = max(peak, now)
	}
}
