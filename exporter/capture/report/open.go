package report

import (
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
)

// OpenCalls finds the calls that are not over at the end of a capture. Files may come in any
// order, so the end of a call may come before its attempts.
type OpenCalls map[string]openCall // by the id of the chain

// openCall is a call of which an attempt has ended and another may follow, or one that is
// over after all.
type openCall struct {
	over  bool
	last  time.Time // start of the last attempt
	group string    // of that
}

// Add adds the attempt of l, in a group.
func (o OpenCalls) Add(l *capture.Line, group string) {
	if l.Chain == nil {
		return
	}
	c := o[l.Chain.ID]
	switch {
	case l.Chain.Outcome != "" && l.Chain.Attempt == 1:
		return // no other attempt has a line, and none follows
	case l.Chain.Outcome != "":
		c.over = true
	}
	if !l.Start.Before(c.last) {
		c.last, c.group = l.Start, group
	}
	o[l.Chain.ID] = c
}

// End books the line of a call that is over.
func (o OpenCalls) End(id string) {
	c := o[id]
	c.over = true
	o[id] = c
}

// Count returns how many calls are open in all, and by group.
func (o OpenCalls) Count() (all int, by map[string]int) {
	by = map[string]int{}
	for _, c := range o {
		if !c.over {
			all++
			by[c.group]++
		}
	}
	return all, by
}
