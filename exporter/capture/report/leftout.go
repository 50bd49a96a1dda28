package report

import (
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// LeftOut counts the exchanges of a capture that no figure covers.
type LeftOut struct {
	Canaries int `json:"canaries"`
	Tunnels  int `json:"tunnels"` // that headway could not read: upgraded, sealed or raw
	Others   int `json:"others"`  // of no known dialect
}

// Skip says whether no figure covers the exchange l, and counts it then.
func (o *LeftOut) Skip(l *capture.Line) bool {
	switch {
	case l.Origin == string(exchange.Canary):
		o.Canaries++
	case tunnelled(l):
		o.Tunnels++
	case l.Operation == "":
		o.Others++
	default:
		return false
	}
	return true
}

// tunnelled says whether l is a connection that headway carried without reading it. Its
// end is not that of an answer.
func tunnelled(l *capture.Line) bool {
	switch exchange.Mode(l.Mode) {
	case exchange.Upgraded, exchange.Sealed, exchange.Raw:
		return true
	}
	return false
}
