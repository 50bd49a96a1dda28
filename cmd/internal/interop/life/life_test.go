//go:build interop

package life_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/interop/life"
)

func TestInteropDrainUnderLoad(t *testing.T) {
	life.Drain(t, interop.Build(t), 500, 200*time.Millisecond)
}

func TestInteropCutUnderLoad(t *testing.T) {
	life.Cut(t, interop.Build(t), 500)
}

func TestInteropRollingRestart(t *testing.T) {
	life.RollingRestart(t, interop.Build(t), 500, 200*time.Millisecond, 5*time.Second)
}

// TestInteropDeparturesUnderLoad judges the clients that leave one by one while a
// thousand wait. As in TestInteropTimings…, other work of the machine may spoil a
// round, but an error of headway spoils every round. The times of the 800 clients that
// leave at once depend on the cores of the machine, so the test only prints them.
func TestInteropDeparturesUnderLoad(t *testing.T) {
	const rounds = 6
	exe := interop.Build(t)
	for round := 1; ; round++ {
		single, _ := life.Depart(t, exe, 1000)
		slow := interop.Quantile(single, 0.99)
		if slow <= interop.DepartureLimit {
			return
		}
		if round == rounds {
			t.Fatalf("in %d rounds, none within %v at p99; the last one %v", rounds, interop.DepartureLimit, slow)
		}
	}
}

// TestInteropMemoryFollowsTheCgroup needs the right to make a cgroup.
func TestInteropMemoryFollowsTheCgroup(t *testing.T) {
	const limit = 256 << 20
	group, ok := interop.LimitedCgroup(t, limit)
	if !ok {
		t.Skip("no memory cgroup can be made here")
	}
	exe := interop.Build(t)
	for _, tt := range []struct {
		name string
		env  []string
		want float64
	}{
		{"by default", nil, (limit - 32<<20) * 9 / 10}, // less the share of the kernel
		{"with GOMEMLIMIT", []string{"GOMEMLIMIT=100MiB"}, 100 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			admin := interop.FreeAddress(t)
			env := append([]string{"HEADWAY_UPSTREAM=http://127.0.0.1:1", "HEADWAY_LISTEN=" + interop.FreeAddress(t), "HEADWAY_ADMIN_LISTEN=" + admin}, tt.env...)
			interop.Start(t, env, "sh", "-c", fmt.Sprintf("echo $$ > %s/cgroup.procs && exec %s run", group, exe))
			interop.Eventually(t, 10*time.Second, func() error {
				metrics, err := interop.Get("http://" + admin + "/metrics")
				if err != nil {
					return err
				}
				_, after, _ := bytes.Cut(metrics, []byte("\ngo_gc_gomemlimit_bytes "))
				value, _, _ := strings.Cut(string(after), "\n")
				got, err := strconv.ParseFloat(value, 64)
				if err == nil && got != tt.want {
					err = fmt.Errorf("the limit is %v, want %v", got, tt.want)
				}
				return err
			})
		})
	}
}
