package pictures

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"
)

// style has a class for each role that a shape or a text can have. An SVG that a page
// shows as an image cannot read the page's colours, but it knows light from dark.
const style = `
text { font: 13px -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.small { font-size: 11.5px; fill: #59636e } .strong { font-weight: 600 }
.axis, .tick { stroke: #59636e; fill: none } .axis { stroke-width: 1 } .tick { stroke-width: 2 }
.box { fill: #f6f8fa; stroke: #8c959f } .frame { fill: none; stroke: #8c959f; stroke-dasharray: 5 4 }
.own { fill: #0969da; stroke: none } .other { fill: #8c959f; stroke: none } .good { fill: #1a7f37; stroke: none }
.bad { fill: #cf222e; stroke: none } .pale { fill: #0969da; fill-opacity: .3; stroke: none }
.measure { stroke: #0969da; stroke-width: 1.5; fill: none } .tip { fill: #59636e; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 } .axis, .tick { stroke: #9198a1 }
.box { fill: #151b23; stroke: #656c76 } .frame { stroke: #656c76 }
.own, .pale { fill: #4493f8 } .other { fill: #656c76 } .good { fill: #3fb950 } .bad { fill: #f85149 }
.measure { stroke: #4493f8 } .tip { fill: #9198a1 }
}`

// canvas collects the shapes of a picture. Coordinates are pixels from the upper left.
type canvas struct {
	width, height float64
	title, text   string // for readers who do not see the picture
	shapes        strings.Builder
}

func (c *canvas) svg() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %s %s\" role=\"img\">\n<title>%s</title>\n<desc>%s</desc>\n<style>%s\n</style>\n%s</svg>\n",
		px(c.width), px(c.height), escaped(c.title), escaped(c.text), style, c.shapes.String())
}

// escaped is text as XML has it. It replaces letters that XML has not, and the bytes of none.
func escaped(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text))
}

// px writes a coordinate with one decimal at most.
func px(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// Where a text stands relative to its point.
const (
	rightOf  = "start"
	centered = "middle"
	leftOf   = "end"
)

func (c *canvas) write(x, y float64, anchor, class, text string) {
	fmt.Fprintf(&c.shapes, "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", px(x), px(y), anchor, class, escaped(text))
}

func (c *canvas) rect(x, y, width, height float64, class string) {
	fmt.Fprintf(&c.shapes, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"3\" class=\"%s\"/>\n", px(x), px(y), px(width), px(height), class)
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.shapes, "<path d=\"M%s %sL%s %s\" class=\"%s\"/>\n", px(x1), px(y1), px(x2), px(y2), class)
}

// path draws along the commands d.
func (c *canvas) path(d, class string) {
	fmt.Fprintf(&c.shapes, "<path d=\"%s\" class=\"%s\"/>\n", d, class)
}

// circle draws a circle about a point. Its text, if any, shows where a pointer rests on it.
func (c *canvas) circle(x, y, radius float64, class, text string) {
	fmt.Fprintf(&c.shapes, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"%s\">%s</circle>\n", px(x), px(y), px(radius), class, hint(text))
}

// square draws a square about a point.
func (c *canvas) square(x, y, half float64, class, text string) {
	fmt.Fprintf(&c.shapes, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" class=\"%s\">%s</rect>\n", px(x-half), px(y-half), px(2*half), px(2*half), class, hint(text))
}

// hint is the title of a shape.
func hint(text string) string {
	if text == "" {
		return ""
	}
	return "<title>" + escaped(text) + "</title>"
}

// arrow draws a horizontal or vertical line with a tip at its second end.
func (c *canvas) arrow(x1, y1, x2, y2 float64) {
	c.line(x1, y1, x2, y2, "axis")
	const length, half = 8, 4
	back := func(from, to float64) float64 {
		if from < to {
			return to - length
		}
		return to + length
	}
	if y1 == y2 {
		fmt.Fprintf(&c.shapes, "<path d=\"M%s %sL%s %sL%s %sz\" class=\"tip\"/>\n", px(x2), px(y2), px(back(x1, x2)), px(y2-half), px(back(x1, x2)), px(y2+half))
		return
	}
	fmt.Fprintf(&c.shapes, "<path d=\"M%s %sL%s %sL%s %sz\" class=\"tip\"/>\n", px(x2), px(y2), px(x2-half), px(back(y1, y2)), px(x2+half), px(back(y1, y2)))
}

// span draws a line of measure from x1 to x2 with its name behind it.
func (c *canvas) span(x1, x2, y float64, name, meaning string) {
	const end = 5
	c.line(x1, y, x2, y, "measure")
	c.line(x1, y-end, x1, y+end, "measure")
	c.line(x2, y-end, x2, y+end, "measure")
	c.write(x2+10, y+4, rightOf, "strong", name)
	const letter = 8.5 // of a strong text, on the average
	c.write(x2+10+letter*float64(len([]rune(name)))+6, y+4, rightOf, "small", meaning)
}
