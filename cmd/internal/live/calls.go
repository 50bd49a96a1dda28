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

// count returns the numbers so far.
func (c *calls) count() Calls {
	out := Calls{Outcomes: maps.Clone(c.outcomes), Attempts: c.attempts, Open: len(c.open)}
	for _, n := range c.open {
		out.Attempts += n
	}
	return out
}

// Calls counts calls by how they have ended.
type Calls struct {
	Outcomes map[exchange.ChainOutcome]int `json:"outcomes"`
	Open     int                           `json:"open"`     // of which an attempt has ended and another may follow
	Attempts int                           `json:"attempts"` // that have ended, of all calls
}

// all is the number of calls.
func (c *Calls) all() int {
	n := c.Open
	for _, ended := range c.Outcomes {
		n += ended
	}
	return n
}

func (c *Calls) answered() int {
	return c.Outcomes[exchange.FirstTry] + c.Outcomes[exchange.Recovered]
}

// lines formats how the calls have ended, in lines of so many columns. A call that fails is
// over only when its client tries no more, and one that is answered at once. So the share
// of answered calls never stands alone while calls are open.
func (c *Calls) lines(columns int) []string {
	n := c.all()
	head := fmt.Sprintf("calls    %s answered, of %d in %d attempts", percent(c.answered(), n), n, c.Attempts)
	if c.Open == 0 {
		return []string{head}
	}
	return append([]string{head + ":"}, wrap(c.parts(), columns)...)
}

// String is lines in short.
func (c *Calls) String() string {
	n := c.all()
	share := percent(c.answered(), n) + " answered"
	if c.Open > 0 {
		share += fmt.Sprintf(" of %d (%s)", n, strings.Join(c.parts(), ", "))
	}
	return share
}

// parts formats how many calls ended in each way, and how many are open.
func (c *Calls) parts() []string {
	return []string{
		fmt.Sprintf("%d answered", c.answered()),
		fmt.Sprintf("%d abandoned", c.Outcomes[exchange.Abandoned]),
		fmt.Sprintf("%d failed", c.Outcomes[exchange.Exhausted]),
		fmt.Sprintf("%d waiting for another attempt", c.Open),
	}
}
