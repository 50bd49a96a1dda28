package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// readLimitHeaders makes the list of the fields in which requests set limits for themselves: those
// that headway knows, and those of LimitHeaders.
func (c *Config) readLimitHeaders(f *findings) {
	if c.LimitHeaders == "off" {
		return
	}
	c.RequestLimits = tap.KnownLimits()
	for entry := range strings.SplitSeq(c.LimitHeaders, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		field, err := readLimitHeader(entry)
		if err != nil {
			f.check("LIMIT_HEADERS", fmt.Errorf("%s: %w", quoted(entry), err))
			continue
		}
		c.RequestLimits = append(c.RequestLimits, field)
	}
}

// readLimitHeader reads ttft=X-My-TTFT-Ms.
func readLimitHeader(entry string) (tap.LimitField, error) {
	name, field, ok := strings.Cut(entry, "=")
	if !ok || !fieldName.MatchString(field) {
		return tap.LimitField{}, errors.New("it is not indicator=Field, with the name of a header field")
	}
	var names []string
	for _, i := range exchange.Indicators()[1:] { // a request cannot limit its failure
		if i.String() == name {
			return tap.LimitField{Field: strings.ToLower(field), Indicator: i}, nil
		}
		names = append(names, i.String())
	}
	return tap.LimitField{}, OneOf(name, names...)
}
