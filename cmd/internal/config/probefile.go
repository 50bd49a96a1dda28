package config

import (
	"bytes"
	"fmt"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/probefile"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/slo"
)

// Probes is the content of a probe file. The zero value stands for no file.
type Probes struct {
	List     []probe.Probe
	Paused   bool // nothing is sent
	Text     []byte
	Warnings []slo.Problem // settings that are allowed, but that a user rarely means
	// Getenv returns the variables of the environment that was read, for keys. It is nil
	// without a probe file.
	Getenv func(name string) string
}

// readProbeFile reads the probe file, if there is one. The routes and the baseline
// must have been read.
func (c *Config) readProbeFile(f *findings) {
	if c.ProbeFile == "" {
		return
	}
	text, err := ReadFile(c.ProbeFile, MaxFile)
	err = reading(c.ProbeFile, err)
	if err == nil {
		var tested *baseline.Baseline
		if c.BaselineFile != "" {
			tested = &c.Tested.Baseline
		}
		c.Probes, err = ParseProbes(c.ProbeFile, text, tested, c.RouteTable)
	}
	f.check("PROBE_FILE", err)
	c.Probes.Getenv = func(name string) string { return f.values[name] }
	for i := range c.Probes.List {
		p := &c.Probes.List[i]
		if name := p.Auth.Env; name != "" && f.values[name] == "" {
			f.warn(Prefix+"PROBE_FILE", fmt.Errorf("probe %s: %s is not set, so no canary of it is sent (outcome no_key)", p.Name, name))
		}
	}
}

// Probing says whether headway has canaries to send, now or when the probe file changes.
// Probes may stand in c without a file: those of headway demo do.
func (c *Config) Probing() bool { return c.ProbeFile != "" || len(c.Probes.List) > 0 }

// ParseProbes reads the text of a probe file. Errors give the name and the line. b is the
// baseline whose cells probes name, nil without one. A probe through the sidecar whose URL
// none of the routes leads to is an error.
func ParseProbes(name string, text []byte, b *baseline.Baseline, routes []proxy.Route) (Probes, error) {
	f, err := probefile.Parse(name, bytes.NewReader(text))
	if err != nil {
		return Probes{}, err
	}
	if err := f.Fit(b); err != nil {
		return Probes{}, err
	}
	err = f.Reach(func(url string) bool {
		_, ok := RouteTo(routes, url)
		return ok
	})
	if err != nil {
		return Probes{}, err
	}
	return Probes{List: f.Probes, Paused: f.Paused, Text: text, Warnings: f.Warnings}, nil
}

// RouteTo returns the prefix of the first route that leads to url.
func RouteTo(routes []proxy.Route, url string) (prefix string, ok bool) {
	for _, r := range routes {
		if to, err := proxy.NewRoute(r.Prefix, url); err == nil && to == r {
			return r.Prefix, true
		}
	}
	return "", false
}
