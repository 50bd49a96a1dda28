package live

import (
	"fmt"
	"maps"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// calls counts the calls that are over, and keeps those of which an attempt has ended and
// another may follow.
type calls struct {
	outcomes map[exchange.ChainOutcome]int
	attempts int                      // of the calls that are over
	open     map[exchange.ChainID]int // attempts so far
}

func newCalls() calls {
	return calls{outcomes: map[exchange.ChainOutcome]int{}, open: map[exchange.ChainID]int{}}
}

// see counts an attempt. Its call is open until end.
func (c *calls) see(a exchange.Attempt) {
	if a.Chain != 0 {
		c.open[a.Chain]++
	}
}

// end counts a call that is over. A view that is closed knows no other calls than those of
// which it has seen an attempt, and no other attempts.
func (c *calls) end(chain *exchange.Chain, closed bool) {
	attempts, known := c.open[chain.ID]
	switch {
	case known:
		delete(c.open, chain.ID)
	case closed:
		return
	default:
		attempts = chain.Attempts
	}
	c.outcomes[chain.Outcome]++
	c.attempts += attempts
}

func (c *calls) clone() calls {
	return calls{outcomes: maps.Clone(c.outcomes), attempts: c.attempts, open: maps.Clone(c.open)}
}

// all is the number of calls, and of their attempts so far.
func (c *calls) all() (calls, attempts int) {
	calls, attempts = len(c.open), c.attempts
	for _, n := range c.outcomes {
		calls += n
	}
	for _, n := range c.open {
		attempts += n
	}
	return calls, attempts
}

func (c *calls) answered() int {
	return c.outcomes[exchange.FirstTry] + c.outcomes[exchange.Recovered]
}

// lines formats how the calls have ended, in lines of so many columns. A call that fails is
// over only when its client tries no more, and one that is answered at once. So the share
// of answered calls never stands alone while calls are open.
func (c *calls) lines(columns int) []string {
	n, attempts := c.all()
	head := fmt.Sprintf("calls    %s answered, of %d in %d attempts", percent(c.answered(), n), n, attempts)
	if len(c.open) == 0 {
		return []string{head}
	}
	return append([]string{head + ":"}, wrap(c.parts(), columns)...)
}

// String is lines in short.
func (c *calls) String() string {
	n, _ := c.all()
	share := percent(c.answered(), n) + " answered"
	if len(c.open) > 0 {
		share += fmt.Sprintf(" of %d (%s)", n, strings.Join(c.parts(), ", "))
	}
	return share
}

// parts formats how many calls ended in each way, and how many are open.
func (c *calls) parts() []string {
	return []string{
		fmt.Sprintf("%d answered", c.answered()),
		fmt.Sprintf("%d abandoned", c.outcomes[exchange.Abandoned]),
		fmt.Sprintf("%d failed", c.outcomes[exchange.Exhausted]),
		fmt.Sprintf("%d waiting for another attempt", len(c.open)),
	}
}
