package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// readProxies has https upstreams go through the HTTP proxy of HTTPS_PROXY, unless NO_PROXY
// lists them. It warns of the other proxies that the environment names, because headway
// connects without them. In transparent mode the application chooses where it connects.
func (c *Config) readProxies(f *findings) {
	except := f.either("NO_PROXY").value
	secure, plain, all := f.either("HTTPS_PROXY"), f.either("HTTP_PROXY"), f.either("ALL_PROXY")
	var through, direct []*proxy.Route
	for i := range c.RouteTable {
		switch r := &c.RouteTable[i]; {
		case listed(except, r.Upstream):
		case r.TLS && secure.value != "":
			through = append(through, r)
		default:
			direct = append(direct, r)
		}
	}
	if len(through) > 0 {
		egress, err := parseEgress(secure.value)
		f.checkOnce(secure.name, err)
		for _, r := range through {
			r.Egress = egress
		}
	}
	for _, by := range []variable{plain, all} {
		if to := concerned(direct, by == all); by.value != "" && len(to) > 0 {
			f.warn(by.name, fmt.Errorf("%s has no effect: headway connects to %s directly, because only HTTPS_PROXY counts, for https upstreams. "+
				"If that is meant, list the hosts in NO_PROXY; for example NO_PROXY=%s", quoted(by.value), strings.Join(to, ", "), c.RouteTable[0].Upstream.Host))
		}
	}
}

// variable is a variable of the environment with its value.
type variable struct{ name, value string }

// either returns the variable with the name, in capital letters or else in small ones. Its
// value is empty without either.
func (f *findings) either(name string) variable {
	for _, spelling := range []string{name, strings.ToLower(name)} {
		if value := f.values[spelling]; value != "" {
			return variable{spelling, value}
		}
	}
	return variable{name: name}
}

// concerned lists the upstreams that a proxy for http would reach, or one for all.
func concerned(routes []*proxy.Route, all bool) (addresses []string) {
	for _, r := range routes {
		if all || !r.TLS {
			addresses = append(addresses, r.Upstream.Address())
		}
	}
	return addresses
}

// listed says whether NO_PROXY has the upstream, by the rules of Go and curl: its name, a
// domain above it, its address, a range of addresses, any of these with the port, or * for
// all. The machine itself needs no entry.
func listed(list string, to exchange.Upstream) bool {
	rules := httpproxy.Config{HTTPSProxy: "http://proxy", NoProxy: list}
	through, err := rules.ProxyFunc()(&url.URL{Scheme: "https", Host: to.Address()})
	return err == nil && through == nil
}

// parseEgress reads the URL of an HTTP proxy, perhaps with a user and a password. Its errors
// show neither.
func parseEgress(value string) (*proxy.Egress, error) {
	const example = "; for example HTTPS_PROXY=http://proxy.example.com:3128"
	text := value
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it is no URL" + example) // the error of url quotes all of it
	}
	port := 80
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("%s has no valid port, which is a number from 1 to 65535%s", quoted(text), example)
		}
	}
	switch {
	case u.Scheme != "http":
		return nil, fmt.Errorf("%s names no http:// proxy, and headway speaks no other protocol with proxies%s", quoted(text), example)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s names no host%s", quoted(text), example)
	}
	if err := proxy.CheckHost(u.Hostname()); err != nil {
		return nil, fmt.Errorf("%s: %w%s", quoted(text), err, example)
	}
	e := &proxy.Egress{Proxy: exchange.Upstream{Host: u.Hostname(), Port: port}}
	if u.User != nil {
		password, _ := u.User.Password()
		e.Authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return e, nil
}
