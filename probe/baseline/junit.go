package baseline

import (
	"fmt"
	"io"
	"slices"

	"github.com/headway-sidecar/headway/probe/junit"
)

// WriteJUnit prints a test case for each change and for each cell without a partner. Those
// that failed by j are failures. Those that nothing could judge are skipped. A condition
// that had nothing to judge is a failure of its own.
func (c *Comparison) WriteJUnit(w io.Writer, j Judgement) error {
	suite := junit.Suite{Name: "headway baseline compare"}
	for _, one := range c.Changes {
		words := each(one.words(), visible)
		row := junit.Case{Class: words[0], Name: words[1]}
		switch {
		case j.failed(one):
			row.Failure = &junit.Message{Text: fmt.Sprintf("%s; before %s ms, after %s ms, ratio %s, 95 %% %s, by %s", words[7], words[2], words[3], words[4], words[5], words[6]), Type: string(one.Verdict)}
		case one.Verdict == Unsure || one.Verdict == Incomparable:
			row.Skipped = &junit.Message{Text: words[7], Type: string(one.Verdict)}
		}
		suite.Add(row)
	}
	for _, id := range c.OnlyBefore {
		row, message := junit.Case{Class: visible(id), Name: "partner"}, &junit.Message{Text: "only in the earlier baseline", Type: string(missing)}
		if slices.Contains(j.Missing, id) {
			row.Failure = message
		} else {
			row.Skipped = message
		}
		suite.Add(row)
	}
	for _, id := range c.OnlyAfter {
		suite.Add(junit.Case{Class: visible(id), Name: "partner", Skipped: &junit.Message{Text: "only in the later baseline", Type: "added"}})
	}
	for _, empty := range j.Empty {
		suite.Add(junit.Case{Class: "headway baseline compare", Name: empty.String(), Failure: &junit.Message{Text: "nothing to judge: no ratio has an interval", Type: "empty"}})
	}
	return suite.Write(w)
}
