package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// The size of a table where no terminal gives another.
const (
	usualColumns = 80
	usualRows    = 1000
)

// Screen shows a View: as a table that stays in place on a terminal, else as one
// line after another.
type Screen struct {
	out   io.Writer
	size  func() (columns, rows int) // of the terminal; nil if out is no terminal
	drawn int                        // lines of the table that is on the terminal
}

// NewScreen returns a Screen that writes to out.
func NewScreen(out io.Writer) *Screen {
	s := &Screen{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.size = func() (columns, rows int) {
			if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
				return columns, rows
			}
			return usualColumns, usualRows
		}
	}
	return s
}

// Follow shows v again and again until ctx ends, and then once more.
func (s *Screen) Follow(ctx context.Context, v *View, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.draw(v.snapshot())
			return
		case <-tick.C:
		}
		if s.size == nil {
			v.snapshot().writeLine(s.out)
			continue
		}
		s.draw(v.snapshot())
	}
}

// draw writes now as a table. On a terminal the table replaces the one before.
func (s *Screen) draw(now *snapshot) {
	var b bytes.Buffer
	columns, rows := usualColumns, usualRows
	if s.size != nil {
		columns, rows = s.size()
		b.WriteString("\r") // the terminal may have echoed a Ctrl-C
		if s.drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
		}
		b.WriteString("\x1b[J")
	}
	lines := now.table(columns, rows-1) // the cursor stands below
	s.drawn = len(lines)
	fmt.Fprintln(&b, strings.Join(lines, "\n"))
	_, _ = s.out.Write(b.Bytes()) // a terminal that went away needs no table
}
