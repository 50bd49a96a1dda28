package main

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
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

func forcedCollections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumForcedGC
}
