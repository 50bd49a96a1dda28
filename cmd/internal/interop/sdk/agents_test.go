//go:build interop

package sdk_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// agentTurn is a turn as the application saw it.
type agentTurn struct {
	Calls int     `json:"calls"`
	All   float64 `json:"all_s"`
	Tool  float64 `json:"tool_s"`
}

// joinedTurn is a turn as headway shows it.
type joinedTurn struct {
	agentTurn
	Session string  `json:"session"`
	Number  int     `json:"number"`
	Outcome string  `json:"outcome"`
	Human   float64 `json:"human_s"`
}

// TestInteropAgentsTurnsAreThoseOfTheirApplications runs agents of real frameworks in one
// session of three turns, each with a call of a tool, and holds headway's turns against the
// application's. The framework works around the model's and the tool's time, so that the times
// differ by some of it.
func TestInteropAgentsTurnsAreThoseOfTheirApplications(t *testing.T) {
	python, headway := interop.Tool(t, "python-agents/bin/python"), interop.Build(t)
	sim := headway.StartSimulator(t, quick...)
	for _, framework := range []string{"chat", "responses", "langgraph"} {
		t.Run(framework, func(t *testing.T) {
			sidecar := headway.StartSidecar(t, sim.URL)
			var complaints bytes.Buffer
			command := exec.Command(python, interop.Driver(t, "python/turns.py"), framework, sidecar.URL+"/v1")
			command.Stderr = &complaints
			patience := time.AfterFunc(2*time.Minute, func() { _ = command.Process.Kill() })
			defer patience.Stop()
			printed, err := command.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, complaints.Bytes())
			}
			compareTurns(t, interop.DecodeLines[agentTurn](t, printed), turnsOf(t, sidecar))
		})
	}
}

// turnsOf returns the turns that the sidecar shows, the oldest first.
func turnsOf(t *testing.T, s *interop.Sidecar) []joinedTurn {
	t.Helper()
	text, err := interop.Get("http://" + s.Admin + "/api/v1/turns")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Turns []joinedTurn }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list.Turns)
	return list.Turns
}

func compareTurns(t *testing.T, want []agentTurn, got []joinedTurn) {
	t.Helper()
	if len(want) != 3 || len(got) != len(want) {
		t.Fatalf("%d turns, the application saw %d", len(got), len(want))
	}
	for i, g := range got {
		t.Logf("turn %d: %d calls, %.3f s, tools %.3f s; the application: %d calls, %.3f s, tools %.3f s", i+1, g.Calls, g.All, g.Tool, want[i].Calls, want[i].All, want[i].Tool)
		if g.Session != got[0].Session || g.Number != i+1 || g.Outcome != "answered" || g.Calls != want[i].Calls {
			t.Errorf("turn %d is %+v, want %+v", i+1, g, want[i])
		}
		if g.All > want[i].All || g.Tool < want[i].Tool || math.Abs(g.Tool-want[i].Tool) > want[i].All-g.All+1 {
			t.Errorf("turn %d: %+v, the application saw %+v", i+1, g, want[i])
		}
		if i > 0 && g.Human < .5 {
			t.Errorf("%v s of the human before turn %d, want half a second at least", g.Human, i+1)
		}
	}
}
