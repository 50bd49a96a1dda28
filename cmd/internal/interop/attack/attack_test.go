//go:build interop

package attack_test

import (
	"flag"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop/attack"
)

var (
	rounds  = flag.Int("rounds", 1, "how often to measure each attack")
	streams = flag.Int("streams", attack.Streams, "streams of others")
)

// TestInteropAttacks runs one hostile peer after another against headway with 128 MiB of
// memory and a thousand streams of others. It judges only what holds on any machine:
// headway lives, needs less than its limit, answers on its admin port within a second,
// and every stream of others is whole. It prints the rest as the table of
// docs/performance.md. The attacks that need most of the memory have a process each: after
// all the others, whose series and buffers stay for a while, they would need more than there
// is. A single name after -run gives any attack a process of its own.
func TestInteropAttacks(t *testing.T) {
	table := attack.Table()
	measure := func(t *testing.T, s *attack.Stage, a attack.Attack) {
		table += "\n| " + a.Name + " | " + s.Measure(t, a, *rounds).String()
	}
	var shared []attack.Attack
	for _, a := range attack.All() {
		if !a.Alone {
			shared = append(shared, a)
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			stage := attack.Start(t, []attack.Attack{a}, *streams)
			measure(t, stage, a)
			stage.Close(t)
		})
	}
	stage := attack.Start(t, shared, *streams)
	t.Logf("headway in a cgroup of its own: %t", stage.InCgroup)
	for _, a := range shared {
		t.Run(a.Name, func(t *testing.T) { measure(t, stage, a) })
	}
	stage.Close(t)
	t.Log("\n" + table)
}
