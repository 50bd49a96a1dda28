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

// maxLabelBytes cuts a model's name: the longest in use are deployment paths of
// some 100 bytes.
const maxLabelBytes = 128

// Names bounds what traffic can make label values of: the first so many distinct
// model names and upstreams in the life of the process, and Other for all that come
// later. Requested and answering models share the bound. It is safe for concurrent
// use, and looking a known name up takes no lock.
type Names struct {
	models    first[string]
	upstreams first[exchange.Upstream]
}

// NewNames returns a limiter that lets so many models and upstreams through.
func NewNames(models, upstreams int) *Names {
	n := &Names{}
	n.models.limit, n.upstreams.limit = models, upstreams
	return n
}

// Model returns name as a label: valid UTF-8, not too long, or Other. No name
// stays no name.
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

// Upstream returns u, or one whose host is Other and that has no port. In
// transparent mode it is the application that names its upstreams.
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

// address is Upstream for what is written as host:port.
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

// first lets the first so many values through, as copies of its own.
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

// clean cuts name at a rune and replaces what is no UTF-8.
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
