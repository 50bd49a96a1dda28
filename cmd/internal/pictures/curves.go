package pictures

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Sizes of a panel, in pixels: where its axes are, and how far the next panel is.
const (
	panelLeft, panelTop     = 90, 62
	panelWidth, panelHeight = 700, 230
	panelStep               = panelTop + panelHeight + 68
)

// Curves draws latency over throughput, a panel for each curve: a dot for each load, or a
// square for one that does not keep the limits. The knee and the highest load that keeps
// the limits have their names. The same curves give the same bytes.
func Curves(curves []baseline.Curve, limits baseline.Limits) string {
	c := canvas{width: 860, height: panelStep * float64(len(curves)), title: "Latency over throughput"}
	var words []string
	for i := range curves {
		p := panel{canvas: &c, Curve: &curves[i], limits: limits, y: panelStep * float64(i)}
		words = append(words, p.draw())
	}
	c.text = strings.Join(words, " ")
	return c.svg()
}

// panel draws one curve at the height y of the canvas.
type panel struct {
	*canvas
	*baseline.Curve
	limits baseline.Limits
	y      float64
	across axis // throughput
	up     axis // latency, in its unit
	perS   float64
	unit   string
	taken  []box // points and names
	lines  []box
}

// draw returns the curve in words.
func (p *panel) draw() string {
	p.scale()
	p.write(20, p.y+24, rightOf, "strong", clipped(p.Title(), 100))
	p.write(20, p.y+43, rightOf, "small", p.legend())
	p.axes()
	p.limit()
	var path strings.Builder
	for i := range p.Points {
		x, y := p.at(i)
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%s %s", command, px(x), px(y))
		p.taken = append(p.taken, box{x - 6, y - 6, x + 6, y + 6})
	}
	p.path(path.String(), "measure")
	p.avoid()
	return p.loads()
}

// avoid keeps names off the line between the points.
func (p *panel) avoid() {
	const every = 6 // pixels
	for i := range len(p.Points) - 1 {
		x, y := p.at(i)
		toX, toY := p.at(i + 1)
		steps := math.Ceil(math.Hypot(toX-x, toY-y) / every)
		for n := 1.; n < steps; n++ {
			atX, atY := x+(toX-x)*n/steps, y+(toY-y)*n/steps
			p.lines = append(p.lines, box{atX - 1, atY - 1, atX + 1, atY + 1})
		}
	}
}

// scale chooses units and ends of the axes.
func (p *panel) scale() {
	top := p.Top()
	p.perS, p.unit = 1e3, "ms"
	if top.Latency >= 10 {
		p.perS, p.unit = 1, "s"
	}
	p.across, p.up = newAxis(top.Throughput), newAxis(top.Latency*p.perS)
}

// legend says what the numbers and the shapes are.
func (p *panel) legend() string {
	out := map[baseline.LoadKind]string{
		baseline.Concurrency: "at each load: requests in flight",
		baseline.Rate:        "at each load: requests a second that were asked for",
	}[p.Cells[0].Load.Kind]
	if len(p.limits.Bounds) > 0 {
		out += fmt.Sprintf(". A square does not keep the limits for %s %% of its requests: %s", baseline.Share(p.limits.At*100), p.limits.Words())
		if slices.ContainsFunc(p.Cells, func(c baseline.Cell) bool { return p.class(&c) == "other" }) {
			out += ". Of a grey dot nobody knows"
		}
	}
	return out
}

// axes draws both axes with their units.
func (p *panel) axes() {
	bottom, right := p.y+panelTop+panelHeight, float64(panelLeft+panelWidth)
	p.line(panelLeft, p.y+panelTop, panelLeft, bottom, "axis")
	p.line(panelLeft, bottom, right, bottom, "axis")
	for v := range p.across.ticks() {
		x := panelLeft + panelWidth*v/p.across.end
		p.line(x, bottom, x, bottom+5, "axis")
		p.write(x, bottom+20, centered, "small", p.across.label(v))
	}
	for v := range p.up.ticks() {
		y := bottom - panelHeight*v/p.up.end
		p.line(panelLeft-5, y, panelLeft, y, "axis")
		p.write(panelLeft-9, y+4, leftOf, "small", p.up.label(v))
	}
	p.write(right, bottom+40, leftOf, "small", p.Throughput())
	p.write(panelLeft+8, p.y+panelTop+4, rightOf, "small", p.Latency()+", "+p.unit)
	p.taken = append(p.taken, box{panelLeft, p.y + panelTop - 10, panelLeft + 160, p.y + panelTop + 10})
}

// limit draws the limit of the indicator that the curve shows, if it is within the axis.
func (p *panel) limit() {
	bound, limited := p.limits.Bounds[p.Of]
	if at := bound * p.perS; limited && at <= p.up.end {
		y := p.y + panelTop + panelHeight*(1-at/p.up.end)
		p.line(panelLeft, y, panelLeft+panelWidth, y, "frame")
		p.lines = append(p.lines, box{panelLeft, y - 1, panelLeft + panelWidth, y + 1})
		p.write(panelLeft+panelWidth+6, y+4, rightOf, "small", "limit")
	}
}

// at is where a point stands.
func (p *panel) at(i int) (x, y float64) {
	return panelLeft + panelWidth*p.Points[i].Throughput/p.across.end, p.y + panelTop + panelHeight*(1-p.Points[i].Latency*p.perS/p.up.end)
}

// loads draws the points with their names, those that matter most first, and returns them
// in words.
func (p *panel) loads() string {
	knee, bends := p.Knee()
	highest := ""
	if reach := p.Reach(p.limits); len(p.limits.Bounds) > 0 && reach.Highest != nil {
		highest = reach.Highest.ID
	}
	words := []string{p.Title() + ", " + p.Latency() + " over " + p.Throughput() + ":"}
	var named, plain []func()
	for i := range p.Cells {
		cell := &p.Cells[i]
		name, isKnee := loadName(cell.Load), bends && cell.ID == knee.ID
		if isKnee {
			name += " · knee"
		}
		if cell.ID == highest {
			name += " · highest within limits"
		}
		x, y := p.at(i)
		text := fmt.Sprintf("%s: %s at %s %s", strings.Replace(name, loadName(cell.Load), cell.Load.Words(), 1), p.up.label(p.Points[i].Latency*p.perS)+" "+p.unit, p.across.label(p.Points[i].Throughput), p.Throughput())
		p.mark(x, y, p.class(cell), text)
		if isKnee {
			p.circle(x, y, 9, "measure", "")
		}
		words = append(words, text+";")
		if isKnee || cell.ID == highest {
			named = append(named, func() { p.name(x, y, "strong", name) })
		} else {
			plain = append(plain, func() { p.name(x, y, "small", name) })
		}
	}
	for _, draw := range append(named, plain...) {
		draw()
	}
	return strings.TrimSuffix(strings.Join(words, " "), ";") + "."
}

// loadName is the load at its point.
func loadName(l baseline.Load) string {
	return strconv.FormatFloat(l.Value, 'g', 6, 64)
}

// class says whether the cell keeps the limits.
func (p *panel) class(cell *baseline.Cell) string {
	if len(p.limits.Bounds) == 0 {
		return "own"
	}
	switch ok, known, _ := cell.Meets(p.limits); {
	case ok:
		return "good"
	case known:
		return "bad"
	}
	return "other"
}

// mark draws a point; its text shows where a pointer rests on it.
func (p *panel) mark(x, y float64, class, text string) {
	if class == "bad" {
		p.square(x, y, 5, class, text)
		return
	}
	p.circle(x, y, 5, class, text)
}

// name writes a name beside its point, where it covers nothing. A name that matters may
// cover a line if it must; another one is left out, because p.mark has it too.
func (p *panel) name(x, y float64, class, text string) {
	if p.place(x, y, class, text, slices.Concat(p.lines, p.taken)) || class != "strong" {
		return
	}
	if !p.place(x, y, class, text, p.taken) {
		p.place(x, y, class, text, nil)
	}
}

// place writes a name at the first place that is on the panel and off the others.
func (p *panel) place(x, y float64, class, text string, others []box) bool {
	const letter, height = 8, 15
	width := letter * float64(len([]rune(text)))
	for _, at := range []struct {
		x, y   float64
		anchor string
	}{
		{x + 13, y + 5, rightOf}, {x + 12, y + 18, rightOf}, {x - 13, y + 5, leftOf}, {x, y - 13, centered}, {x, y + 25, centered},
		{x - 10, y - 12, leftOf}, {x - 12, y - 26, leftOf}, {x, y - 28, centered}, {x - 12, y - 42, leftOf}, {x + 10, y - 12, rightOf}, {x - 12, y + 30, leftOf},
	} {
		left := at.x - map[string]float64{rightOf: 0, centered: width / 2, leftOf: width}[at.anchor]
		b := box{left, at.y - height + 3, left + width, at.y + 3}
		inside := b.left > panelLeft+2 && b.right < p.width-10 && b.bottom < p.y+panelTop+panelHeight && b.top > p.y+panelTop-12
		if inside && !b.meets(others) {
			p.taken = append(p.taken, b)
			p.write(at.x, at.y, at.anchor, class, text)
			return true
		}
	}
	return false
}

// box is a place that something stands in.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(others []box) bool {
	for _, o := range others {
		if b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom {
			return true
		}
	}
	return false
}

// axis goes from 0 to end, in steps of 1, 2 or 5 times a power of ten.
type axis struct{ step, end float64 }

// newAxis has room for top, and six steps at most.
func newAxis(top float64) axis {
	if !(top > 0) {
		top = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(top/6)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if factor*step*6 >= top {
			step *= factor
			break
		}
	}
	return axis{step, step * math.Ceil(top/step-1e-9)}
}

// ticks are the steps, 0 and the end with them.
func (a axis) ticks() func(yield func(float64) bool) {
	return func(yield func(float64) bool) {
		for i := 0.; i <= math.Round(a.end/a.step); i++ {
			if !yield(i * a.step) {
				return
			}
		}
	}
}

// label writes v to a hundredth of a step.
func (a axis) label(v float64) string {
	decimals := max(0, 2-int(math.Floor(math.Log10(a.step)+1e-9)))
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// clipped is text of so many letters at most.
func clipped(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}
