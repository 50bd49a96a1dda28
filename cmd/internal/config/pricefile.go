package config

import (
	"bytes"
	"time"

	"github.com/headway-sidecar/headway/slo/price"
	"github.com/headway-sidecar/headway/slo/strict"
)

// Prices is the content of a price file. The zero value stands for no file.
type Prices struct {
	List     price.List
	Text     []byte
	Warnings []strict.Problem // of prices that are allowed, but do less than somebody may expect
}

// readPriceFile reads the price file, if there is one.
func (c *Config) readPriceFile(check func(key string, err error)) {
	if c.PriceFile == "" {
		return
	}
	text, err := ReadFile(c.PriceFile, MaxFile)
	err = reading(c.PriceFile, err)
	if err == nil {
		c.Prices, err = ParsePrices(c.PriceFile, text)
	}
	check("PRICE_FILE", err)
}

// ParsePrices reads the text of a price file. Errors give the name and the line.
func ParsePrices(name string, text []byte) (Prices, error) {
	list, warnings, err := price.Parse(name, bytes.NewReader(text), time.Now())
	return Prices{List: list, Text: text, Warnings: warnings}, err
}
