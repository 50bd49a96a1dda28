package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/proxy"
)

// readRoutes makes the route table from Routes and Upstream.
func (c *Config) readRoutes(f *findings) {
	check, seen := f.check, map[string]bool{}
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
		f.noteVersion("ROUTES", &r)
		c.RouteTable = append(c.RouteTable, r)
	}
	switch {
	case c.Upstream != "":
		r, err := proxy.NewRoute("", c.Upstream)
		check("UPSTREAM", err)
		f.noteVersion("UPSTREAM", &r)
		c.RouteTable = append(c.RouteTable, r)
	case c.Routes == "" && c.TransparentListen == "":
		check("UPSTREAM", errors.New("is not set, and neither is "+Prefix+"ROUTES or "+Prefix+"TRANSPARENT_LISTEN: there is nowhere to forward to"))
	}
}

// noteVersion notes that the path of an upstream ends with a version, as in …/v1: the
// application's base URL must not have it too, or the upstream gets /v1/v1.
func (f *findings) noteVersion(key string, r *proxy.Route) {
	if version := r.Version(); version != "" {
		f.note(Prefix+key, fmt.Errorf("%s ends with %s, which goes before the path of every request: the application's base URL must be without %s; "+
			"for example http://127.0.0.1:8480%s", r.String(), version, version, r.Prefix))
	}
}
