package live

import (
	"fmt"
	"time"

	"github.com/headway-sidecar/headway/proxy/turn"
)

// readTurns is how many turns a screen or a page looks at to find those of agents.
const readTurns = 100

// Agents returns those of all turns that took more than one exchange, or called a tool. The
// turn of a plain question is its exchange, which is shown as such. It changes all.
func Agents(all []turn.Summary) []turn.Summary {
	of := all[:0]
	for i := range all {
		if all[i].Calls > 1 || all[i].ToolCalls > 0 {
			of = append(of, all[i])
		}
	}
	return of
}

// formatTurn is the line of a turn of an agent at the moment now.
func formatTurn(t *turn.Summary, now time.Time) string {
	outcome, whole := t.Outcome, t.All
	if t.Open {
		outcome, whole = "open", now.Sub(t.Start).Seconds()
	}
	line := fmt.Sprintf("%-18s %-9s  %d calls, %d of tools, %.1f s: model %.1f s", cut(printable(t.Model), 18), outcome, t.Calls, t.ToolCalls, max(0, whole), t.ModelTime)
	if t.ToolTime > 0 {
		line += fmt.Sprintf(", tools %.1f s", t.ToolTime)
	}
	return line
}
