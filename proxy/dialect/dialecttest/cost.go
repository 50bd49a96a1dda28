package dialecttest

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

// costSize is the size of the input of a Cost.
const costSize = 64 << 10

// maxPerByte is the budget: some seventy steps for each byte of input, where up to six are
// usual, and up to fifteen in a build for fuzzing. Of two sizes that a peer chooses, 64 KiB
// have room for two thousand each; their product passes the budget.
const maxPerByte = slowdown * 700 * time.Nanosecond

// Cost is hostile input with two parts, First and Second, that repeat. It finds products of
// two sizes that a peer chooses: so many names in one field, and so many fields, each
// compared with all. A # in a repeated part is a number that grows: names differ.
type Cost struct{ Before, First, Between, Second, After []byte }

// Input is the input, of 64 KiB. The repeated parts have one half each.
func (c Cost) Input() []byte {
	return slices.Concat(c.Before, repeated(c.First), c.Between, repeated(c.Second), c.After)
}

func repeated(part []byte) (p []byte) {
	if len(part) == 0 {
		return nil
	}
	for i := 0; len(p) < costSize/2; i++ {
		p = append(p, bytes.ReplaceAll(part, []byte("#"), fmt.Appendf(nil, "%04x", i))...)
	}
	return p
}

// Check checks that read takes no more CPU time for the input than the budget allows. The
// quickest of some tries counts, because a collection of garbage may delay one.
func (c Cost) Check(t *testing.T, read func(p []byte)) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, told := threadTime(); !told {
		t.Skip("the system does not tell the CPU time of a thread")
	}
	const tries = 3
	p := c.Input()
	budget := time.Duration(max(costSize, len(p))) * maxPerByte
	var took time.Duration
	for range tries {
		before, _ := threadTime()
		read(p)
		after, _ := threadTime()
		if took = after - before; took <= budget {
			return
		}
	}
	t.Errorf("%d bytes took %v, want %v at most: %+q", len(p), took, budget, c)
}
