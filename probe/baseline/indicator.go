package baseline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Indicator is a distribution, in seconds.
type Indicator struct {
	Definition Definition `json:"definition"`
	// Count is how many values the distribution has: requests, or gaps. Nil is unknown.
	Count     *int      `json:"count,omitempty"`
	Mean      *float64  `json:"mean,omitempty"`
	StdDev    *float64  `json:"stddev,omitempty"`
	Min       *float64  `json:"min,omitempty"`
	Max       *float64  `json:"max,omitempty"`
	Quantiles Quantiles `json:"quantiles,omitempty"`
	// Values are there where the tool's file has single requests.
	Values Values `json:"values,omitempty"`
}

// Quantile is the value that a share P of the distribution does not exceed.
type Quantile struct{ P, Value float64 }

// Quantiles are in the order of P, each P once. In JSON they are an object, {"0.5": 0.21}.
type Quantiles []Quantile

// At returns the value of exactly p.
func (q Quantiles) At(p float64) (float64, bool) {
	i, found := slices.BinarySearchFunc(q, p, func(one Quantile, p float64) int { return compare(one.P, p) })
	if !found {
		return 0, false
	}
	return q[i].Value, true
}

// Set adds a quantile, in the place of one with the same P.
func (q *Quantiles) Set(p, value float64) {
	i, found := slices.BinarySearchFunc(*q, p, func(one Quantile, p float64) int { return compare(one.P, p) })
	if found {
		(*q)[i].Value = value
		return
	}
	*q = slices.Insert(*q, i, Quantile{p, value})
}

// compare takes two shares that differ by rounding alone for one: 99.9 ÷ 100 is not 0.999.
func compare(a, b float64) int {
	const same = 1e-9
	switch {
	case a < b-same:
		return -1
	case a > b+same:
		return 1
	}
	return 0
}

// MarshalJSON writes the object in the order of P.
func (q Quantiles) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, one := range q {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, Share(one.P)...)
		out = append(out, '"', ':')
		value, err := json.Marshal(one.Value)
		if err != nil {
			return nil, fmt.Errorf("writing the quantile %s: %w", Share(one.P), err)
		}
		out = append(out, value...)
	}
	return append(out, '}'), nil
}

// Share writes p with the digits that it has: 0.999, not 0.9990000000000001.
func Share(p float64) string {
	digits := strconv.FormatFloat(p, 'f', 9, 64)
	return string(bytes.TrimRight(bytes.TrimRight([]byte(digits), "0"), "."))
}

// UnmarshalJSON reads the object. It refuses a key that is no share, and a key that stands
// there twice. encoding/json gives it a valid value, and would itself need several times as
// long.
func (q *Quantiles) UnmarshalJSON(text []byte) error {
	inner, opens := bytes.CutPrefix(text, []byte{'{'})
	inner, closes := bytes.CutSuffix(inner, []byte{'}'})
	if !opens || !closes {
		return fmt.Errorf(`quantiles: %.20s; want an object such as {"0.5": 0.21}`, text)
	}
	*q = make(Quantiles, 0, 1+bytes.Count(inner, []byte{','}))
	for more := len(bytes.TrimSpace(inner)) > 0; more; {
		var one []byte
		one, inner, more = bytes.Cut(inner, []byte{','})
		key, number, _ := bytes.Cut(one, []byte{':'})
		name := string(bytes.Trim(key, "\" \t\r\n"))
		p, err := strconv.ParseFloat(name, 64)
		if err != nil || !(p > 0 && p < 1) {
			return fmt.Errorf(`quantiles: %.20q; want a share between 0 and 1, "0.99" for example`, name)
		}
		if _, twice := q.At(p); twice {
			return fmt.Errorf("quantiles: %q stands there twice", name)
		}
		value, err := strconv.ParseFloat(string(bytes.TrimSpace(number)), 64)
		if err != nil {
			return fmt.Errorf("quantiles: %q: %.20s; want seconds", name, bytes.TrimSpace(number))
		}
		q.Set(p, value)
	}
	return nil
}
