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
// docs/performance.md. A single name after -run gives the attack a process of its own.
func TestInteropAttacks(t *testing.T) {
	attacks := attack.All()
	stage := attack.Start(t, attacks, *streams)
	t.Logf("headway in a cgroup of its own: %t", stage.InCgroup)
	table := attack.Table()
	for _, a := range attacks {
		t.Run(a.Name, func(t *testing.T) {
			table += "\n| " + a.Name + " | " + stage.Measure(t, a, *rounds).String()
		})
	}
	stage.Close(t)
	t.Log("\n" + table)
}
