package main

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// memoryCheck is how often returnMemory looks.
	memoryCheck = time.Second
	// memoryBurst is how many connections have to go for a collection to be worth it.
	memoryBurst = 100
)

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
