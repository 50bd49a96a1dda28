//go:build interop

package main_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// TestInteropTimingsOfConcurrentStreamsAreTrue needs no SDK. A stream of two tokens
// has one gap, which its capture line tells as the longest ITL, so that single
// gaps can be compared; long streams show the quantiles.
//
// A machine that has other things to do keeps processes from running for tens of
// milliseconds. Readers of the same streams without headway show how much of that
// there was: headway is not held to less than twice of it. A round may be spoilt
// all the same; an error of headway spoils every round.
func TestInteropTimingsOfConcurrentStreamsAreTrue(t *testing.T) {
	const rounds = 6
	exe := build(t)
	for name, server := range map[string][]string{
		"one token a chunk":    nil,
		"speculative decoding": {"--draft-tokens", "3", "--draft-acceptance", "0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			for round := 1; ; round++ {
				through, direct := timingRound(t, exe, server)
				table, err := through.judge(&direct)
				control, _ := direct.judge(&deviations{})
				t.Logf("round %d, capture lines\n%s\nround %d, readers without headway\n%s", round, table, round, control)
				if err == nil {
					return
				}
				if round == rounds {
					t.Fatalf("in %d rounds, none within the limits; in the last one %v", rounds, err)
				}
			}
		})
	}
}

// timingRound has streams of two lengths read through headway and, at the same
// time, directly. It returns how far the capture lines and the direct readers are
// from the truth.
func timingRound(t *testing.T, exe program, server []string) (through, direct deviations) {
	t.Helper()
	const clients, pairs, longs = 4, 60, 4
	sim := exe.startSimulator(t, server...)
	sidecar := exe.startSidecar(t, sim.url)
	var wait sync.WaitGroup
	var mu sync.Mutex
	read := map[string]reading{}
	for client := range clients {
		base := sidecar.url
		if client%2 == 1 {
			base = sim.url
		}
		wait.Go(func() {
			for i := range pairs + longs {
				model, tokens := fmt.Sprintf("%d-%d", client, i), 2
				if i >= pairs {
					tokens = 100
				}
				r := stream(t, base, model, tokens, nil)
				mu.Lock()
				read[model] = r
				mu.Unlock()
			}
		})
	}
	wait.Wait()

	lines := map[string]captureLine{}
	for _, line := range sidecar.lines(t) {
		lines[line.Model.Request] = line
	}
	truth := sim.exchanges(t)
	if len(truth) != clients*(pairs+longs) || len(lines) != len(truth)/2 {
		t.Fatalf("%d exchanges, %d capture lines", len(truth), len(lines))
	}
	for _, x := range truth {
		if line, ok := lines[x.Model]; ok {
			compareFacts(t, x, line, true)
			through.compare(t, x, line)
		} else {
			compareReading(&direct, x, read[x.Model])
		}
	}
	return through, direct
}

func compareReading(d *deviations, x modelsim.Exchange, r reading) {
	if len(r.chunks) == 0 {
		return // reported where it was read
	}
	d.add("TTFT", r.chunks[0].Sub(r.sent).Seconds(), x.TTFT())
	if len(r.chunks) == 2 && len(x.Chunks) == 2 {
		d.add("single gap", r.chunks[1].Sub(r.chunks[0]).Seconds(), x.Gaps()[0])
	}
}
