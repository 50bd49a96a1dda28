package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// The size of a table where no terminal gives another.
const (
	usualColumns = 80
	usualRows    = 1000
)

// lastPatience is how long the last table may take to come, after somebody has ended it.
const lastPatience = time.Second

// The control sequences of a terminal that a screen needs, beside those that move the cursor.
const (
	enterWhole = "\x1b[?1049h\x1b[?25l" // the other screen, without a cursor
	leaveWhole = "\x1b[?25h\x1b[?1049l"
	home       = "\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// Source returns what a screen shows now.
type Source func(context.Context) (*Frame, error)

// Screen shows frames: as a table that stays in place on a terminal, else as one line after
// another.
type Screen struct {
	out   io.Writer
	size  func() (columns, rows int) // of the terminal; nil if out is no terminal
	whole bool                       // the table has the terminal for itself
	drawn int                        // lines of the table that is on the terminal
	lanes lanes
}

// NewScreen returns a Screen that writes to out.
func NewScreen(out io.Writer) *Screen {
	s := &Screen{out: out, lanes: lanes{}}
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

// FollowWhole is Follow with the terminal for the table alone. At the end the terminal has
// what it had before, and the last table is gone.
func (s *Screen) FollowWhole(ctx context.Context, source Source, every time.Duration) {
	if s.size != nil {
		s.whole = true
		_, _ = io.WriteString(s.out, enterWhole)
		defer func() { _, _ = io.WriteString(s.out, leaveWhole) }()
	}
	s.Follow(ctx, source, every)
}

// Follow shows what source returns, now and again and again until ctx ends, and then once
// more. In the place of what source cannot tell it shows the error.
func (s *Screen) Follow(ctx context.Context, source Source, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.drawLast(context.WithoutCancel(ctx), source)
			return
		case <-tick.C:
		}
		now, err := source(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.complain(err)
		case s.size == nil:
			now.writeLine(s.out)
		default:
			s.draw(now)
		}
	}
}

// drawLast shows what source returns at once, if it does.
func (s *Screen) drawLast(ctx context.Context, source Source) {
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	if now, err := source(ctx); err == nil {
		s.draw(now)
	}
}

// complain shows err.
func (s *Screen) complain(err error) {
	line := printable(err.Error())
	if s.size == nil {
		fmt.Fprintln(s.out, line)
		return
	}
	columns, _ := s.size()
	s.write([]string{cut(line, columns)})
}

// draw writes now as a table. On a terminal the table replaces the one before.
func (s *Screen) draw(now *Frame) {
	columns, rows := usualColumns, usualRows
	if s.size != nil {
		columns, rows = s.size()
	}
	s.write(now.lines(s.lanes, columns, rows-1)) // the cursor stands below
}

// write replaces the lines on the terminal.
func (s *Screen) write(lines []string) {
	var b bytes.Buffer
	switch {
	case s.whole:
		b.WriteString(home)
		for _, line := range lines {
			b.WriteString(line + clearLine + "\n")
		}
		b.WriteString(clearBelow)
	case s.size != nil:
		b.WriteString("\r") // the terminal may have echoed a Ctrl-C
		if s.drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
		}
		b.WriteString(clearBelow)
		fallthrough
	default:
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	s.drawn = len(lines)
	_, _ = s.out.Write(b.Bytes()) // a terminal that went away needs no table
}

// lines formats f as at most so many lines of so many columns: the table and the drift, then
// the streams, the chains and the turns, as far as there is room.
func (f *Frame) lines(of lanes, columns, rows int) []string {
	lines := append(f.table(columns), drifting(f.Drift, columns)...)
	of.see(f.Streams)
	if room := rows - len(lines) - 2; room > 0 && len(f.Streams) > 0 {
		chains := min(len(f.Chains), room/4)
		lines = append(lines, "", f.streamsHead())
		for i := range f.Streams[:min(len(f.Streams), room-chains-min(chains, 2))] {
			lines = append(lines, of.format(&f.Streams[i], columns))
		}
	}
	if room := rows - len(lines) - 2; room > 0 && len(f.Chains) > 0 {
		lines = append(lines, "", "calls that failed at least once, the newest first")
		for i := range f.Chains[:min(len(f.Chains), room)] {
			lines = append(lines, formatChain(&f.Chains[i]))
		}
	}
	if room := rows - len(lines) - 2; room > 0 && len(f.Turns) > 0 {
		lines = append(lines, "", "turns of agents, the newest first")
		for i := range f.Turns[:min(len(f.Turns), room)] {
			lines = append(lines, formatTurn(&f.Turns[i], time.Now()))
		}
	}
	for i, line := range lines {
		lines[i] = cut(printable(line), columns)
	}
	return lines[:min(len(lines), max(1, rows))]
}

// cut shortens line to so many columns.
func cut(line string, columns int) string {
	if letters := []rune(line); len(letters) > columns {
		return string(letters[:columns])
	}
	return line
}

// printable replaces what is no text: a peer chooses the names of models, and must not move
// the cursor.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, line)
}
