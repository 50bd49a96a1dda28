package sidecar

import (
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestMemoryIsReturnedAfterABurst(t *testing.T) {
	for _, tt := range []struct {
		name string
		open []int // at each check
		want uint32
	}{
		{"most of a burst has gone", []int{0, 500, 480, 200, 190}, 1},
		{"a second burst went too", []int{500, 20, 20, 400, 0}, 2},
		{"half of it is still there", []int{500, 300}, 0},
		{"few connections come and go", []int{90, 0, 90, 0}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				checked := 0
				go returnMemory(ctx, func() int {
					checked++
					return tt.open[min(checked, len(tt.open))-1]
				})
				before := forcedCollections()
				time.Sleep(time.Duration(len(tt.open))*memoryCheck + memoryCheck/2)
				synctest.Wait()
				if got := forcedCollections() - before; got != tt.want {
					t.Errorf("%d collections, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestCollectionsAreSpacedWhileLittleMemoryIsLive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	SpaceCollections(ctx)
	defer func() {
		cancel()
		runtime.GC()
		debug.SetGCPercent(100)
	}()
	runtime.GC() // soon after this collection the new rule is in force
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if percent := debug.SetGCPercent(100); percent != 100 {
			debug.SetGCPercent(percent)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the rule of collections did not change")
		}
	}
	before := collections()
	const garbage = 8 * leastGarbage
	for range garbage >> 10 {
		sink = make([]byte, 1<<10)
	}
	if got := collections() - before; got > 9 {
		t.Errorf("%d collections for %d MiB, want one for each %d MiB", got, garbage>>20, leastGarbage>>20)
	}
}

var sink []byte

func TestGarbageMayBeAQuarterOfTheLiveMemory(t *testing.T) {
	for live, want := range map[uint64]int{0: 1200, 1 << 20: 1200, 3 << 20: 400, 12 << 20: 100, 24 << 20: 50, 48 << 20: 25, 1 << 30: 25} {
		if got := garbagePercent(live); got != want {
			t.Errorf("with %d bytes alive: %d %%, want %d", live, got, want)
		}
	}
}

func TestTheBoundOnSeriesFollowsTheMemoryLimit(t *testing.T) {
	for _, tt := range []struct {
		name       string
		configured int
		limit      int64
		want       int
	}{
		{"128 MiB", 0, 128 << 20, 4096},
		{"hardly any memory", 0, 8 << 20, 1000},
		{"more than anybody needs", 0, 1 << 40, 100_000},
		{"no limit", 0, math.MaxInt64, 20_000},
		{"configured", 500, 128 << 20, 500},
	} {
		if got := maxSeries(tt.configured, tt.limit); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTheBoundOnPromptsFollowsTheMemoryLimit(t *testing.T) {
	for limit, want := range map[int64]int{48 << 20: 3 << 20, 4 << 30: 16 << 20, math.MaxInt64: 16 << 20} {
		if got := promptBytes(limit); got != want {
			t.Errorf("with %d bytes: %d, want %d", limit, got, want)
		}
	}
}

func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

func forcedCollections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumForcedGC
}

func TestTheKernelHasItsShareOfTheMemory(t *testing.T) {
	for _, tt := range []struct {
		name        string
		limit, want uint64
	}{
		{"a cgroup of 128 MiB", 128 << 20, 96 << 20},
		{"a large cgroup", 4 << 30, 4<<30 - 32<<20},
		{"a small cgroup keeps three quarters", 32 << 20, 24 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := besideKernel(memlimit.Limit(tt.limit))()
			if err != nil || got != tt.want {
				t.Errorf("%d, %v, want %d", got, err, tt.want)
			}
		})
	}
	if _, err := besideKernel(func() (uint64, error) { return 0, memlimit.ErrNoLimit })(); !errors.Is(err, memlimit.ErrNoLimit) {
		t.Errorf("without a limit: %v", err)
	}
}
