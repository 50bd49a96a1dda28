package exporter

import (
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxLabelBytes is where a model's name is cut. The longest names in use are deployment
// paths of some 100 bytes.
const maxLabelBytes = 128

// Names bounds the label values that traffic can make, and the series that they make
// together. Only an exchange that was answered claims a name. Any other borrows a free
// place, and loses it to the next name that is claimed, so that requests for models that
// nobody has keep no place. While a bound is reached, a name that no exchange had for
// an hour gives its place to a new one, and its series end. Every other name becomes Other.
// Requested and answering models share a bound. Names is safe for concurrent use, and
// looking up a known name takes no lock.
type Names struct {
	models    places[string]
	upstreams places[exchange.Upstream]
	tenants   places[Tenant]
	labels    []string // the names of a tenant's labels
	series    seriesBound
}

// NewNames returns Names that let so many models and upstreams through, and any number of
// series.
func NewNames(models, upstreams int) *Names {
	n := &Names{}
	n.models.limit, n.upstreams.limit = models, upstreams
	n.series.sets, n.series.users = map[Identity]*Set{}, map[Series]int{}
	return n
}

// Keep gives upstreams a label for ever, beside the bound: those that the configuration
// names. Call it before the first exchange.
func (n *Names) Keep(upstreams ...exchange.Upstream) {
	for _, u := range upstreams {
		n.upstreams.keep(u)
	}
}

// Model returns name as a label, and borrows a place for it if one is free: otherwise the
// label is Other. An empty name stays empty.
func (n *Names) Model(name string) string { return n.model(name, borrows, time.Now()) }

// ClaimModel is Model for an answered exchange. Name takes a free place, or one that was
// only lent, as valid UTF-8 of at most 128 bytes.
func (n *Names) ClaimModel(name string) string { return n.model(name, claims, time.Now()) }

func (n *Names) model(name string, by claim, now time.Time) string {
	if name == "" {
		return ""
	}
	if label, ok := n.models.find(name, by, now); ok {
		return label
	}
	// A name may be a piece of a request's body, which a label must not keep.
	fit := clean(name)
	if fit == Other {
		return Other // it stands for the names without a place, and must not lose one
	}
	if fit != name {
		if label, ok := n.models.find(fit, by, now); ok {
			return label
		}
	}
	label, gone, ok := n.models.admit(fit, strings.Clone, by, now)
	for _, name := range gone {
		n.series.release(func(id Identity) bool { return id.Request == name || id.Response == name })
	}
	if ok {
		return label
	}
	return Other
}

// Upstream returns u, and borrows a place for it if one is free: otherwise it returns an
// upstream whose host is Other and that has no port. In transparent mode the application
// names its upstreams, so that they need a bound.
func (n *Names) Upstream(u exchange.Upstream) exchange.Upstream {
	return n.upstream(u, borrows, time.Now())
}

// ClaimUpstream is Upstream for an answered exchange. U takes a free place, or one that was
// only lent.
func (n *Names) ClaimUpstream(u exchange.Upstream) exchange.Upstream {
	return n.upstream(u, claims, time.Now())
}

func (n *Names) upstream(u exchange.Upstream, by claim, now time.Time) exchange.Upstream {
	if u.Host == "" {
		return u
	}
	if known, ok := n.upstreams.find(u, by, now); ok {
		return known
	}
	own := func(u exchange.Upstream) exchange.Upstream {
		return exchange.Upstream{Host: strings.Clone(u.Host), Port: u.Port}
	}
	known, gone, ok := n.upstreams.admit(u, own, by, now)
	for _, u := range gone {
		n.series.release(func(id Identity) bool { return id.Upstream == u })
	}
	if ok {
		return known
	}
	return exchange.Upstream{Host: Other}
}

// address is Upstream for a text host:port.
func (n *Names) address(text string) string {
	host, port, err := net.SplitHostPort(text)
	number, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil {
		return text
	}
	return address(n.Upstream(exchange.Upstream{Host: host, Port: number}))
}

// address is u as a label.
func address(u exchange.Upstream) string {
	if u.Port == 0 {
		return u.Host
	}
	return u.Address()
}

// clean cuts name between two runes and replaces bytes that are no UTF-8.
func clean(name string) string {
	if len(name) > maxLabelBytes {
		cut := maxLabelBytes
		for cut > maxLabelBytes-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut]
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}
