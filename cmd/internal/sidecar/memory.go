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

	"github.com/headway-sidecar/headway/proxy/promptcache"
)

const (
	// memoryCheck is the interval at which returnMemory counts the open connections.
	memoryCheck = time.Second
	// memoryBurst is the least number of closed connections that is worth a collection.
	memoryBurst = 100
	// leastGarbage is the garbage, in bytes, that may always pile up between two
	// collections. Only some 3 MiB of headway's memory live long. Go's own rule allows
	// as much garbage as live memory, so a busy sidecar would collect once in a
	// thousand requests and spend a sixth of its time on it.
	leastGarbage = 12 << 20
	// kernelBytes is the memory that a cgroup pays for and Go's collector does not see: the
	// pages of the program itself, 22 MiB, and its sockets, some 4 kB each by estimate. Without room for
	// those pages the kernel drops them and reads them again, and everything waits.
	kernelBytes = 32 << 20
)

// The bound on series, if HEADWAY_MAX_SERIES sets none. One with an exemplar in its
// histogram takes 3 kB for /metrics, and another kilobyte or two if metrics go to a
// collector as well. A model has some 30.
const (
	seriesBytes   = 4 << 10
	seriesShare   = 8 // of the memory limit, one part in so many
	leastSeries   = 1_000
	defaultSeries = 20_000 // when there is no memory limit
	mostSeries    = 100_000
)

// maxSeries returns the bound on series: the configured one, or one for a memory limit in
// bytes, math.MaxInt64 for none.
func maxSeries(configured int, limit int64) int {
	switch {
	case configured > 0:
		return configured
	case limit == math.MaxInt64:
		return defaultSeries
	}
	return int(min(max(limit/seriesShare/seriesBytes, leastSeries), mostSeries))
}

// promptShare is the part of the memory limit that hashes of prompts may take: one in so many.
const promptShare = 16

// promptBytes returns the bound on the memory of hashes of prompts, for a memory limit in
// bytes, math.MaxInt64 for none.
func promptBytes(limit int64) int { return int(min(limit/promptShare, promptcache.DefaultBytes)) }

// memoryLimit returns the limit in force, in bytes, and math.MaxInt64 without one.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }

// LimitMemory makes Go's collector keep the process within 90 % of the part of the
// cgroup's memory that the kernel does not need. It follows the cgroup until ctx ends,
// because a pod may be resized. GOMEMLIMIT takes precedence. Go reads that variable, and
// the cgroup's limit of cores, by itself.
func LimitMemory(ctx context.Context, log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithProvider(besideKernel(memlimit.FromCgroup)), memlimit.WithRefreshInterval(ctx, time.Minute))
	switch {
	case err != nil:
		log.Debug("no memory limit is known", "err", err)
	case limit != math.MaxInt64:
		log.Info("memory limit", "bytes", limit)
	}
}

// besideKernel returns the limit that cgroup returns, in bytes, less kernelBytes. Of a
// limit below 128 MiB it takes a quarter off.
func besideKernel(cgroup memlimit.Provider) memlimit.Provider {
	return func() (uint64, error) {
		limit, err := cgroup()
		return limit - min(limit/4, kernelBytes), err
	}
}

// returnMemory returns memory to the system whenever most of the open connections have
// closed, until ctx ends. Without it, Go keeps the memory of a burst until the next
// collection, and a quiet sidecar collects only every two minutes.
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
// collections of this process: 12 MiB, or a quarter of the live memory where that is
// more. A memory limit takes precedence.
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
			// SetGCPercent stops the world for a moment, so a change below a tenth is
			// not worth a call.
			if 10*max(percent, before) > 11*min(percent, before) {
				debug.SetGCPercent(percent)
				before = percent
			}
			afterNext()
		}, struct{}{})
	}
	afterNext()
}

// Garbage in percent of live memory. goPercent is Go's own rule. leastPercent is the
// least that garbagePercent returns; it applies with thousands of streams, whose memory
// costs more than the time of the collector.
const (
	goPercent    = 100
	leastPercent = 25
)

// garbagePercent returns the garbage that may pile up, in percent of live, the live
// memory in bytes.
func garbagePercent(live uint64) int {
	return max(leastPercent, int(100*leastGarbage/max(live, 1<<20)))
}
