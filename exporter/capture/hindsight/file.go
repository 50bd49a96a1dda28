package hindsight

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/slo"
)

// Write writes the SLO file. Comments say which margin the captured time had. Further lines
// of comments stand at the end. Without an SLO there is nothing to write, and Write says so.
func (s *Suggestion) Write(w io.Writer, further ...string) error {
	if len(s.found)+len(s.leftOut) == 0 {
		return errors.New("no SLO to suggest: the capture has no exchange that SLOs judge")
	}
	if len(s.found) == 0 {
		return fmt.Errorf("no SLO to suggest:\n%s", strings.Join(s.leftOut, "\n"))
	}
	var out bytes.Buffer
	s.comment(&out)
	out.WriteString("slos:\n")
	for i := range s.found {
		f := &s.found[i]
		var text bytes.Buffer
		if err := slo.Write(&text, slo.Set{SLOs: []slo.SLO{f.slo}}); err != nil {
			return err
		}
		for _, line := range f.comments(s.wish) {
			fmt.Fprintf(&out, "# %s\n", line)
		}
		entry, ok := bytes.CutPrefix(text.Bytes(), []byte("slos:\n"))
		if !ok {
			return fmt.Errorf("writing SLO %s: unexpected form %q", f.slo.Name, text.Bytes())
		}
		out.Write(entry)
	}
	for _, why := range s.leftOut {
		fmt.Fprintf(&out, "# No SLO for %s.\n", printable(why))
	}
	for _, line := range further {
		fmt.Fprintf(&out, "# %s\n", printable(line))
	}
	_, err := w.Write(out.Bytes())
	return err
}

// comment writes what the whole file rests on.
func (s *Suggestion) comment(out *bytes.Buffer) {
	window := s.last.Sub(s.first)
	fmt.Fprintf(out, "# From %d exchanges, %s to %s.\n", s.lines, s.first.UTC().Format(time.DateTime), s.last.UTC().Format(time.DateTime)+" UTC")
	if window < s.wish.Window {
		fmt.Fprintf(out, "# They cover %s, less than the window of %s: other times may differ.\n", spelled(window.Round(time.Second)), days(s.wish.Window))
	}
	fmt.Fprintf(out, "# Each limit is what %v %% needed, with all limits kept at once, and %v %% more, rounded up.\n", s.wish.Objective, 100*s.wish.Margin)
	out.WriteString("# It is what the service did, not what its users need: see docs/slos.md, \"Choosing limits\".\n")
	if s.open > 0 {
		fmt.Fprintf(out, "# Calls that were not over at the end count nowhere: %d.\n", s.open)
	}
	if s.drained > 0 {
		fmt.Fprintf(out, "# Exchanges that ended because headway stopped count as failed: %d.\n", s.drained)
	}
}

// comments says how one SLO went.
func (f *found) comments(w Wish) []string {
	bad := f.counted - f.good
	allowed := (100 - w.Objective) / 100 * float64(f.counted)
	lines := []string{
		printable(f.key.String()) + fmt.Sprintf(": of %d %s %s would have been good, with %.0f %% of the error budget left.",
			f.counted, plural(w.Judge), percent(new(float64(f.good)/float64(f.counted))), 100*max(0, 1-float64(bad)/allowed)),
	}
	if f.ended.Failed > 0 {
		lines = append(lines, fmt.Sprintf("Failed, whatever the limits are: %d.", f.ended.Failed))
	}
	if f.ended.Left > 0 {
		lines = append(lines, fmt.Sprintf("Clients that left: %d; those who left before a limit had passed do not count.", f.ended.Left))
	}
	for _, c := range f.limits {
		lines = append(lines, fmt.Sprintf("%s: %s kept %s; %s was needed. Alone, %v %% met %s.",
			c.indicator, percent(&c.kept), short(inSeconds(c.limit)), short(inSeconds(c.needed)), w.Objective, c.alone))
	}
	return lines
}

// printable is text on one line, whatever the name of a model is.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// days is d in days where it is whole ones.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return spelled(d)
}
