package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// laneCells is how many frames a lane shows.
const laneCells = 20

// lanes remember how many tokens each open exchange had in the last frames.
type lanes map[uint64]*lane

// lane is the tokens of one exchange.
type lane struct {
	tokens int64   // in the last frame
	came   []int64 // since the frame before, the newest last
	seen   bool
}

// see adds a frame, and forgets the exchanges that are not in it.
func (l lanes) see(streams []Stream) {
	for i := range streams {
		s := &streams[i]
		one := l[s.ID]
		if one == nil {
			one = &lane{tokens: s.Tokens}
			l[s.ID] = one
		} else {
			one.came = append(one.came, s.Tokens-one.tokens)
			one.came = one.came[max(0, len(one.came)-laneCells):]
		}
		one.tokens, one.seen = s.Tokens, true
	}
	for id, one := range l {
		if !one.seen {
			delete(l, id)
			continue
		}
		one.seen = false
	}
}

// String draws the lane: a bar for the tokens of each frame, and a dot where none came.
func (l *lane) String() string {
	most := int64(1)
	for _, n := range l.came {
		most = max(most, n)
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range l.came {
		if n <= 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(bars[(n*int64(len(bars))-1)/most])
	}
	return b.String()
}

// streamsHead is the line above the streams.
func (f *Frame) streamsHead() string {
	silent := ""
	if n := f.silent(); n > 0 {
		least := ""
		if n == len(f.Streams) && n < f.Open { // the list has the longest silences only
			least = "at least "
		}
		silent = fmt.Sprintf(", %s%d of them silent for 10 s", least, n)
	}
	return fmt.Sprintf("%d under way%s, the longest silence first", f.Open, silent)
}

// silent counts the streams that are silent, as headway_streams_silent does.
func (f *Frame) silent() (n int) {
	for i := range f.Streams {
		if s := &f.Streams[i]; s.Stream && !s.Over && s.Origin != string(exchange.Canary) && time.Duration(s.Silent) >= exchange.SilentFrom {
			n++
		}
	}
	return n
}

// format is the line of an open exchange.
func (l lanes) format(s *Stream, columns int) string {
	name := s.Model
	if name == "" {
		name = s.Upstream
	}
	quiet := "          "
	if time.Duration(s.Silent) >= time.Second {
		quiet = fmt.Sprintf("quiet %4.0f s", time.Duration(s.Silent).Seconds())
	}
	line := fmt.Sprintf("%-18s %-9s %5.0f s %6d tokens  %-12s ", cut(printable(name), 18), s.Phase, time.Duration(s.Age).Seconds(), s.Tokens, quiet)
	return cut(line, columns) + l[s.ID].String()
}

// formatChain is the line of a call that failed at least once.
func formatChain(c *chain.Summary) string {
	outcome := c.Outcome
	if c.Open {
		outcome = "open"
	}
	steps := make([]string, len(c.Steps))
	for i, s := range c.Steps {
		switch {
		case s.End.IsZero():
			steps[i] = "…"
		case s.Outcome == "ok" || s.Status == 0:
			steps[i] = s.Outcome
		default:
			steps[i] = strconv.Itoa(s.Status)
		}
	}
	return fmt.Sprintf("%-18s %-9s  %s", cut(printable(c.Model), 18), outcome, strings.Join(steps, " → "))
}
