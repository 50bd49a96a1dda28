package sidecar

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// memoryCheck is the time between two looks of returnMemory.
	memoryCheck = time.Second
	// memoryBurst is the number of connections whose end is worth a collection.
	memoryBurst = 100
	// leastGarbage is what may pile up between two collections. Little in headway
	// lives long, some 3 MiB: with Go's own rule, as much garbage as that, a busy sidecar
	// would collect every thousand requests and spend a sixth of its time on it.
	leastGarbage = 12 << 20
)

// LimitMemory makes Go's collector keep the process within 90 % of the cgroup's memory.
// It follows the cgroup until ctx ends, because a pod may be resized. GOMEMLIMIT has
// precedence, and Go reads that itself, as it does the cores of the cgroup.
func LimitMemory(ctx context.Context, log *slog.Logger) {
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

// SpaceCollections sets, until ctx ends, how much garbage may pile up between two
// collections of this process: 12 MiB, or a quarter of the live memory where that is more.
// A memory limit has precedence.
func SpaceCollections(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	before := goPercent
	var afterNext func()
	afterNext = func() {
		runtime.AddCleanup(new(*byte), func(struct{}) {
			if ctx.Err() != nil {
				debug.SetGCPercent(goPercent)
				return
			}
			metrics.Read(live)
			percent := garbagePercent(live[0].Value.Uint64())
			// Setting it stops the world for a moment: not for a little.
			if 10*max(percent, before) > 11*min(percent, before) {
				debug.SetGCPercent(percent)
				before = percent
			}
			afterNext()
		}, struct{}{})
	}
	afterNext()
}

// Garbage in percent of live memory: by Go's own rule, and the least of this one, which
// thousands of streams reach. Their memory is dearer than the collector's time.
const (
	goPercent    = 100
	leastPercent = 25
)

// garbagePercent is the rule with so many bytes alive.
func garbagePercent(live uint64) int {
	return max(leastPercent, int(100*leastGarbage/max(live, 1<<20)))
}
