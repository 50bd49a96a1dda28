package exporter

import (
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxLabelBytes is where a model's name is cut. The longest names in use are deployment
// paths of some 100 bytes.
const maxLabelBytes = 128

// Names bounds the label values that traffic can make. The first so many distinct model
// names and upstreams in the life of the process become labels, and all later ones become
// Other. Requested and answering models share the bound. Names is safe for concurrent
// use, and looking up a known name takes no lock.
type Names struct {
	models    first[string]
	upstreams first[exchange.Upstream]
}

// NewNames returns Names that let so many models and upstreams through.
func NewNames(models, upstreams int) *Names {
	n := &Names{}
	n.models.limit, n.upstreams.limit = models, upstreams
	return n
}

// Model returns name as a label: valid UTF-8 of at most 128 bytes, or Other. An empty name
// stays empty.
func (n *Names) Model(name string) string {
	if name == "" {
		return ""
	}
	if label, ok := n.models.find(name); ok {
		return label
	}
	// A name may be a piece of a request's body, which a label must not keep.
	if label, ok := n.models.admit(clean(name), strings.Clone); ok {
		return label
	}
	return Other
}

// Upstream returns u, or an upstream whose host is Other and that has no port. In
// transparent mode the application names its upstreams, so that they need a bound.
func (n *Names) Upstream(u exchange.Upstream) exchange.Upstream {
	if u.Host == "" {
		return u
	}
	if known, ok := n.upstreams.find(u); ok {
		return known
	}
	own := func(u exchange.Upstream) exchange.Upstream {
		return exchange.Upstream{Host: strings.Clone(u.Host), Port: u.Port}
	}
	if known, ok := n.upstreams.admit(u, own); ok {
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

// first lets the first so many values through, as copies that it owns.
type first[T comparable] struct {
	limit int
	known atomic.Pointer[map[T]T] // never changed, only replaced
	mu    sync.Mutex              // held to replace it
}

func (f *first[T]) find(v T) (own T, ok bool) {
	if known := f.known.Load(); known != nil {
		own, ok = (*known)[v]
	}
	return own, ok
}

func (f *first[T]) admit(v T, own func(T) T) (T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.find(v); ok {
		return known, true
	}
	known := f.known.Load()
	if known == nil {
		known = new(map[T]T)
	}
	if len(*known) >= f.limit {
		return v, false
	}
	v = own(v)
	next := map[T]T{v: v}
	maps.Copy(next, *known)
	f.known.Store(&next)
	return v, true
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
