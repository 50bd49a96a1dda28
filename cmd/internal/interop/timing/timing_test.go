//go:build interop

package timing_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// TestInteropTimingsOfConcurrentStreamsAreTrue compares times in the capture with the
// simulator's; it needs no SDK. A stream of two tokens has one gap, which is the
// longest ITL in its capture line: such streams test single gaps. Long streams test the
// quantiles.
//
// A busy machine keeps processes from running for tens of milliseconds. Readers of the
// same kind of streams without headway measure these delays, and headway may be off by
// twice as much. Other work of the machine may still spoil a round; an error of headway
// spoils every round.
func TestInteropTimingsOfConcurrentStreamsAreTrue(t *testing.T) {
	const rounds = 6
	exe := interop.Build(t)
	for name, server := range map[string][]string{
		"one token a chunk":    nil,
		"speculative decoding": {"--draft-tokens", "3", "--draft-acceptance", "0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			for round := 1; ; round++ {
				through, direct := timingRound(t, exe, server)
				table, err := through.Judge(&direct)
				control, _ := direct.Judge(&interop.Deviations{})
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

// timingRound runs readers of streams of two lengths through headway and, at the same
// time, directly. It returns the deviations of the capture lines and of the direct
// readers from the truth.
func timingRound(t *testing.T, exe interop.Program, server []string) (through, direct interop.Deviations) {
	t.Helper()
	const clients, pairs, longs = 4, 60, 4
	sim := exe.StartSimulator(t, server...)
	sidecar := exe.StartSidecar(t, sim.URL)
	var wait sync.WaitGroup
	var mu sync.Mutex
	read := map[string]interop.Reading{}
	for client := range clients {
		base := sidecar.URL
		if client%2 == 1 {
			base = sim.URL
		}
		wait.Go(func() {
			for i := range pairs + longs {
				model, tokens := fmt.Sprintf("%d-%d", client, i), 2
				if i >= pairs {
					tokens = 100
				}
				r := interop.Stream(t, base, model, tokens, nil)
				mu.Lock()
				read[model] = r
				mu.Unlock()
			}
		})
	}
	wait.Wait()

	lines := map[string]interop.CaptureLine{}
	for _, line := range sidecar.Lines(t) {
		lines[line.Model.Request] = line
	}
	truth := sim.Exchanges(t)
	if len(truth) != clients*(pairs+longs) || len(lines) != len(truth)/2 {
		t.Fatalf("%d exchanges, %d capture lines", len(truth), len(lines))
	}
	for _, x := range truth {
		if line, ok := lines[x.Model]; ok {
			interop.CompareFacts(t, x, line, true)
			through.Compare(t, x, line)
		} else {
			compareReading(&direct, x, read[x.Model])
		}
	}
	return through, direct
}

func compareReading(d *interop.Deviations, x modelsim.Exchange, r interop.Reading) {
	if len(r.Chunks) == 0 {
		return // the reader has reported it
	}
	d.Add("TTFT", r.Chunks[0].Sub(r.Sent).Seconds(), x.TTFT())
	if len(r.Chunks) == 2 && len(x.Chunks) == 2 {
		d.Add("single gap", r.Chunks[1].Sub(r.Chunks[0]).Seconds(), x.Gaps()[0])
	}
}
