package exporter

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// SLO tells what one SLO promises, and the tokens that are counted for it.
type SLO struct {
	Name      string
	Objective float64 // share of good exchanges, from 0 to 1
	Limits    []Limit
	Timed     uint64 // output tokens that had a deadline
	OnTime    uint64 // of Timed, those that came by it
}

// Limit is the time that one indicator must not exceed.
type Limit struct {
	Indicator exchange.Indicator
	Limit     time.Duration
}

// Edges are limits that must be bucket bounds, in any order and with any repetition.
type Edges []Limit

// EdgesOf lists the limits of SLOs.
func EdgesOf(slos []SLO) Edges {
	var out Edges
	for _, s := range slos {
		out = append(out, s.Limits...)
	}
	return out
}
