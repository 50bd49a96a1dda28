package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/headway-sidecar/headway/exporter/capture"
)

// Cost is a sum of costs in one currency.
type Cost struct {
	Currency string  `json:"currency"`
	Total    float64 `json:"total"`
	// Exchanges counts those behind the sum: all that have a cost, however they ended. In
	// Calls it counts the calls that wasted money.
	Exchanges int `json:"exchanges"`
}

// costs are sums by currency, which only changes when the user writes another price file.
type costs []Cost

func (c *costs) add(currency string, n float64) {
	if currency == "" {
		return
	}
	at, found := slices.BinarySearchFunc(*c, currency, func(have Cost, want string) int { return cmp.Compare(have.Currency, want) })
	if !found {
		*c = slices.Insert(*c, at, Cost{Currency: currency})
	}
	(*c)[at].Total += n
	(*c)[at].Exchanges++
}

func (c *costs) addLine(l *capture.Line) {
	if l.Cost != nil {
		c.add(l.Cost.Currency, l.Cost.Total)
	}
}

// costs prints sums of money, and how many of all exchanges have a cost unless all have.
func (t *table) costs(label string, sums []Cost, all int) {
	for _, c := range sums {
		value := strconv.FormatFloat(c.Total, 'f', 6, 64)
		if c.Exchanges < all {
			value += fmt.Sprintf(" (of %d of %d requests)", c.Exchanges, all)
		}
		t.row(label+" ("+c.Currency+")", value)
	}
}
