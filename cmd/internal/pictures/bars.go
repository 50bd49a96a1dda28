package pictures

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// figures are rows of the last table of docs/performance.md.
type figures struct {
	targets []string
	rows    []figureRow
}

// figureRow has the values of a measure by target; a negative one is missing.
type figureRow struct {
	measure string
	values  []float64
}

// shown are the measures of the picture, as the table names them, in its order.
var shown = [...]string{"CPU per event, µs", "CPU per plain request, µs", "event lateness p50, µs"}

// readFigures reads the rows that the picture shows.
func readFigures(page string) (figures, error) {
	_, table, found := strings.Cut(page, "<!-- table -->\n")
	if !found {
		return figures{}, fmt.Errorf("the page has no table after %q", "<!-- table -->")
	}
	var f figures
	for i, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case i == 0:
			f.targets = cells[:len(cells)-1]
		case slices.Contains(shown[:], cells[0]):
			row := figureRow{measure: cells[0]}
			for n := range f.targets {
				number, _, _ := strings.Cut(cells[1+n], " (")
				v, err := strconv.ParseFloat(number, 64)
				if err != nil {
					v = -1
				}
				row.values = append(row.values, v)
			}
			f.rows = append(f.rows, row)
		}
	}
	if len(f.rows) != len(shown) {
		return figures{}, fmt.Errorf("the table has %d of the rows %q", len(f.rows), shown)
	}
	return f, nil
}

// bars shows what headway costs beside proxies that measure nothing.
func bars(f figures) string {
	const left, width, thick, gap = 180, 480, 18, 34
	peers := []string{"nginx", "haproxy", "headway", "headway-transparent"}
	c := canvas{width: 860, title: "What headway costs beside proxies that measure nothing"}
	y := 30.0
	var words []string
	for _, row := range f.rows {
		c.write(20, y, rightOf, "strong", row.measure)
		y += 12
		value := func(target string) float64 { return row.values[slices.Index(f.targets, target)] }
		most := 0.0
		for _, target := range peers {
			most = max(most, value(target))
		}
		for _, target := range peers {
			v := value(target)
			if v < 0 {
				continue
			}
			class := "other"
			if strings.HasPrefix(target, "headway") {
				class = "own"
			}
			c.write(left-12, y+14, leftOf, "small", target)
			c.rect(left, y, width*v/most, thick, class)
			text := strconv.FormatFloat(v, 'f', -1, 64)
			if target != "nginx" {
				text += fmt.Sprintf("  (%.2f × nginx)", v/value("nginx"))
			}
			c.write(left+width*v/most+8, y+14, rightOf, "", text)
			words = append(words, fmt.Sprintf("%s of %s: %g.", row.measure, target, v))
			y += thick + 5
		}
		y += gap - 5
	}
	c.height = y - 14
	c.text = strings.Join(words, " ")
	return c.svg()
}
