package proxy

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sockets"
)

// maxShown bounds the part of a path that headway quotes to its client.
const maxShown = 64

// Route leads the requests whose paths start with a prefix to an upstream.
type Route struct {
	Prefix   string // "/anthropic"; headway strips it. Empty matches every path
	Upstream exchange.Upstream
	TLS      bool
	Egress   *Egress // through which headway connects; nil connects directly

	base      string // path of the upstream's URL, which goes before every target
	authority string // the upstream in the Host field
}

// NewRoute returns the route from a path prefix, which may be empty, to the
// upstream at rawURL: http or https, a host, perhaps a port and a path. Its error
// shows no other part of the URL, because that may be secret.
func NewRoute(prefix, rawURL string) (Route, error) {
	if err := checkWritten(rawURL); err != nil {
		return Route{}, err
	}
	shown := Shown(rawURL)
	u, err := url.Parse(rawURL)
	if err != nil {
		return Route{}, fmt.Errorf("%q is no URL", shown) // the error of url quotes all of it
	}
	switch {
	case u.Hostname() == "":
		return Route{}, fmt.Errorf("%q names no host", shown)
	case u.User != nil:
		return Route{}, fmt.Errorf("%q has user info, which headway does not show: leave it out", shown)
	case u.RawQuery != "":
		return Route{}, fmt.Errorf("%q has a query, which headway does not show: leave it out", shown)
	case u.Fragment != "":
		return Route{}, fmt.Errorf("%q has a fragment, which headway does not show: leave it out", shown)
	}
	if err := CheckHost(u.Hostname()); err != nil {
		return Route{}, fmt.Errorf("%q: %w", shown, err)
	}
	if err := checkPrefix(prefix); err != nil {
		return Route{}, err
	}
	port, ok := portOf(u)
	if !ok {
		return Route{}, fmt.Errorf("%q has no valid port, which is a number from 1 to 65535", shown)
	}
	return Route{
		Prefix:    prefix,
		Upstream:  exchange.Upstream{Host: u.Hostname(), Port: port},
		TLS:       u.Scheme == "https",
		base:      strings.TrimRight(u.EscapedPath(), "/"),
		authority: u.Host,
	}, nil
}

// portOf returns the port of u, or that of its scheme. It returns false if u has a port
// that is none.
func portOf(u *url.URL) (int, bool) {
	switch {
	case u.Port() != "":
		n, err := strconv.Atoi(u.Port())
		return n, err == nil && n >= 1 && n <= 65535
	case u.Scheme == "https":
		return 443, true
	}
	return 80, true
}

// matches tells whether target, in origin form, is below the prefix.
func (r *Route) matches(target []byte) bool {
	rest, ok := bytes.CutPrefix(target, []byte(r.Prefix))
	return ok && (r.Prefix == "" || len(rest) == 0 || rest[0] == '/' || rest[0] == '?')
}

// appendTarget appends the target for the upstream: the upstream's base path takes the
// place of the prefix, and every other byte stays as it is.
func (r *Route) appendTarget(dst, target []byte) []byte {
	if string(target) == "*" { // the server as a whole (RFC 9112, section 3.2.4)
		return append(dst, target...)
	}
	rest := target[len(r.Prefix):]
	dst = append(dst, r.base...)
	if len(rest) == 0 || rest[0] == '?' {
		dst = append(dst, '/')
	}
	return append(dst, rest...)
}

// route is a Route with its connections.
type route struct {
	Route
	pool *pool         // nil in transparent mode
	mode exchange.Mode // empty: the tap's mode

	trail   trail // not of transparent mode
	unheard unheard
	hinted  atomic.Bool // hintAtDoubledPath has spoken
}

type routes []*route

// newRoutes orders c's routes so that the longest matching prefix comes first.
func newRoutes(c Config, d *sockets.Dialer, e *engine) routes {
	var rs routes
	for _, r := range c.Routes {
		rs = append(rs, &route{Route: r, pool: newPool(r, c, d, e), unheard: make(unheard, maxUnheard)})
	}
	slices.SortStableFunc(rs, func(a, b *route) int { return cmp.Compare(len(b.Prefix), len(a.Prefix)) })
	return rs
}

// match returns the route of target, or nil.
func (rs routes) match(target []byte) *route {
	for _, r := range rs {
		if r.matches(target) {
			return r
		}
	}
	return nil
}

// missing says that target, in origin form, has no route, and which prefixes have one.
func (rs routes) missing(target []byte) string {
	path, _, _ := bytes.Cut(target, []byte("?"))
	segment, _, _ := bytes.Cut(bytes.TrimPrefix(path, []byte("/")), []byte("/"))
	var prefixes []string
	for _, r := range rs {
		prefixes = append(prefixes, r.Prefix)
	}
	slices.Sort(prefixes)
	return fmt.Sprintf("no upstream is configured for paths that begin with %q; HEADWAY_ROUTES has %s",
		"/"+string(segment[:min(len(segment), maxShown)]), strings.Join(prefixes, ", "))
}

// String is r in the form of the configuration.
func (r *Route) String() string {
	scheme := "http"
	if r.TLS {
		scheme = "https"
	}
	url := scheme + "://" + r.authority + r.base
	if r.Prefix == "" {
		return url
	}
	return r.Prefix + "=" + url
}
