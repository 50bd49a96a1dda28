package live

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/turn"
)

func turns() []turn.Summary {
	return []turn.Summary{
		{ID: "1", Open: true, Start: time.Now().Add(-time.Minute), Calls: 3, ToolCalls: 2, Model: "m\x1b", ModelTime: 4.5, ToolTime: 2},
		{ID: "2", Outcome: "answered", Calls: 1, Model: "plain"},
		{ID: "3", Outcome: "abandoned", Calls: 1, ToolCalls: 1, Model: "m", All: 7.25, ModelTime: 7.25},
	}
}

func TestTurnsOfAgentsAreThoseOfSeveralCallsOrTools(t *testing.T) {
	var ids []string
	for _, one := range Agents(turns()) {
		ids = append(ids, one.ID)
	}
	if got := strings.Join(ids, " "); got != "1 3" {
		t.Errorf("turns %s, want 1 3", got)
	}
}

func TestScreenShowsTurnsOfAgents(t *testing.T) {
	f := frameOf(NewView(time.Now))
	f.Turns = Agents(turns())
	text := strings.Join(f.lines(lanes{}, 120, usualRows), "\n")
	for _, want := range []string{
		"turns of agents, the newest first",
		"m\uFFFD                 open       3 calls, 2 of tools, 60.0 s: model 4.5 s, tools 2.0 s",
		"m                  abandoned  1 calls, 1 of tools, 7.2 s: model 7.2 s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
