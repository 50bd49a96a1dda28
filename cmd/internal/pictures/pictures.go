// Package pictures draws the pictures of the docs as SVG. Text stays text, and the
// colours follow the reader's choice of light or dark.
package pictures

//go:generate go test -run Pictures -update .

import (
	"fmt"

	"github.com/headway-sidecar/headway/slo/rules"
)

// Picture is a drawing and the name of its file, without .svg.
type Picture struct{ Name, SVG string }

// All draws every picture. The page is docs/performance.md, whose last table has the
// figures of the bars.
func All(page string) ([]Picture, error) {
	figures, err := readFigures(page)
	if err != nil {
		return nil, fmt.Errorf("reading the figures of the bars: %w", err)
	}
	return []Picture{
		{"pod", pod()},
		{"timeline", timeline()},
		{"attempts", attempts()},
		{"burn-rates", burnRates(rules.Workbook30d())},
		{"bars", bars(figures)},
	}, nil
}
