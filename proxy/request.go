package proxy

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// maxHostName is how long a host name may be (RFC 1035, section 2.3.4, in text).
	maxHostName = 253
	// maxMethod is longer than any method in use.
	maxMethod = 64
)

// mayBeRequest tells whether p, the first bytes of a head that is not whole, may be
// those of a request (RFC 9112, section 3). Waiting for more of anything else would
// hold it up.
func mayBeRequest(p []byte) bool {
	line, _, whole := bytes.Cut(p, []byte("\n"))
	method, _, _ := bytes.Cut(line, []byte(" "))
	if len(method) > maxMethod {
		return false
	}
	for _, c := range method {
		if !isHostByte(c) && bytes.IndexByte([]byte("!#$%&'*+^`|~"), c) < 0 { // no token (RFC 9110, section 5.6.2)
			return false
		}
	}
	return !whole || bytes.Contains(line, []byte(" HTTP/1."))
}

// routeOf is the way of a request, called what the client calls the server.
func (o *original) routeOf(req *requestHead) *route {
	host := req.hostName()
	if o.route == nil || !strings.EqualFold(o.route.Upstream.Host, string(host)) || len(host) == 0 {
		name := strings.ToLower(string(host))
		if name == "" {
			name = o.Address.Addr().Unmap().WithZone("").String()
		}
		o.route = &route{
			Route: Route{Upstream: exchange.Upstream{Host: name, Port: int(o.Address.Port())}},
			mode:  exchange.Transparent,
		}
	}
	return o.route
}

// hostName is the host of the Host field, without its port. It is empty when there
// is none that could be one.
func (h *requestHead) hostName() []byte {
	var host []byte
	for name, value := range h.fields() {
		if equalFold(name, "host") {
			host = value
		}
	}
	if literal, ok := bytes.CutPrefix(host, []byte("[")); ok {
		literal, _, _ = bytes.Cut(literal, []byte("]"))
		if _, err := netip.ParseAddr(string(literal)); err != nil || bytes.IndexByte(literal, '%') >= 0 {
			return nil
		}
		return literal
	}
	host, _, _ = bytes.Cut(host, []byte(":"))
	if len(host) > maxHostName {
		return nil
	}
	for _, c := range host {
		if !isHostByte(c) {
			return nil
		}
	}
	return host
}

func isHostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
}
