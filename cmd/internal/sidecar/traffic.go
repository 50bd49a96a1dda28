package sidecar

import (
	"slices"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Traffic returns the traffic that a sidecar with the configuration c can see. Its
// upstreams are not known in transparent mode: there the application chooses them.
func Traffic(c config.Config) slo.Traffic {
	t := slo.Traffic{Operations: Operations()}
	if c.TransparentListen != "" {
		return t
	}
	for i := range c.RouteTable {
		t.Upstreams = append(t.Upstreams, c.RouteTable[i].Upstream)
	}
	return t
}

// Operations lists the operations of the APIs that headway reads.
func Operations() []exchange.Operation {
	var all []exchange.Operation
	for _, d := range Dialects() {
		if o := d.NewDecoder(&dialect.Head{}).Ask().Operation; !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}
