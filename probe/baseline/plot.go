package baseline

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Size of a plot, in characters. A line has 72 of them at most.
const (
	plotWidth  = 60
	plotHeight = 12
	plotLine   = plotWidth + 12
)

// several marks a place where several loads meet, and loads for which there is no letter.
const several = '*'

// WritePlot draws the curve for a terminal, without colours: a letter for each load.
func (c *Curve) WritePlot(w io.Writer) error {
	var canvas [plotHeight][]rune
	for i := range canvas {
		canvas[i] = []rune(strings.Repeat(" ", plotWidth))
	}
	top := c.Top()
	for i, p := range c.Points {
		x, y := place(p.Throughput, top.Throughput, plotWidth), place(p.Latency, top.Latency, plotHeight)
		at := &canvas[plotHeight-1-y][x]
		if *at == ' ' {
			*at = letter(i)
		} else {
			*at = several
		}
	}
	fmt.Fprintf(w, "\n%s: %s over %s\n", c.Title(), c.Latency(), c.Throughput())
	for i, row := range canvas {
		mark := ""
		if i == 0 {
			mark = figure(top.Latency*1e3) + " ms"
		}
		fmt.Fprintf(w, "%10s │%s\n", mark, strings.TrimRight(string(row), " "))
	}
	_, err := fmt.Fprintf(w, "%10s └%s\n%12s%*s\n%s", "0", strings.Repeat("─", plotWidth), "0", plotWidth-1, figure(top.Throughput), c.legend(canvas[:]))
	return err
}

// place is the nearest of so many places between 0 and top.
func place(v, top float64, places int) int {
	return int(math.Round(v / max(top, 1e-12) * float64(places-1)))
}

// legend says which load each letter is.
func (c *Curve) legend(canvas [][]rune) string {
	var entries []string
	for i, cell := range c.Cells {
		if l := letter(i); l != several {
			entries = append(entries, fmt.Sprintf("%c %s", l, cell.Load.Words()))
		}
	}
	for _, row := range canvas {
		if strings.ContainsRune(string(row), several) {
			entries = append(entries, string(several)+" several, or more than there are letters")
			break
		}
	}
	var out strings.Builder
	length := 0
	for i, entry := range entries {
		n := len([]rune(entry)) + 3
		switch {
		case i == 0 || length+n > plotLine:
			out.WriteString(strings.Repeat("\n", min(i, 1)) + "  ")
			length = 0
		default:
			out.WriteString(" · ")
		}
		out.WriteString(entry)
		length += n
	}
	return out.String() + "\n"
}

func letter(i int) rune {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if i < len(letters) {
		return rune(letters[i])
	}
	return several
}

// figure writes v with three digits or more, without an exponent and without zeros at the
// end.
func figure(v float64) string {
	decimals := 3
	for limit := 1.; decimals > 0 && v >= limit; limit *= 10 {
		decimals--
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
