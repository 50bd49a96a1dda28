package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/proxy"
)

// readRoutes makes the route table from Routes and Upstream.
func (c *Config) readRoutes(check func(key string, err error)) {
	seen := map[string]bool{}
	for entry := range strings.SplitSeq(c.Routes, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		prefix, target, ok := strings.Cut(entry, "=")
		if !ok || prefix == "" || strings.ContainsAny(prefix, ":@?") { // a URL, with a = somewhere in it
			check("ROUTES", fmt.Errorf("%q is not /prefix=URL", proxy.Shown(entry)))
			continue
		}
		if seen[prefix] {
			check("ROUTES", fmt.Errorf("prefix %q is there twice", proxy.Shown(prefix)))
		}
		seen[prefix] = true
		r, err := proxy.NewRoute(prefix, target)
		check("ROUTES", err)
		c.RouteTable = append(c.RouteTable, r)
	}
	switch {
	case c.Upstream != "":
		r, err := proxy.NewRoute("", c.Upstream)
		check("UPSTREAM", err)
		c.RouteTable = append(c.RouteTable, r)
	case c.Routes == "" && c.TransparentListen == "":
		check("UPSTREAM", errors.New("is not set, and neither is "+Prefix+"ROUTES or "+Prefix+"TRANSPARENT_LISTEN: there is nowhere to forward to"))
	}
}
