package proxy

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// maxHostName is the longest host name in text (RFC 1035, section 2.3.4).
	maxHostName = 253
	// maxMethod is longer than any method in use.
	maxMethod = 64
)

// mayBeRequest tells whether p may be the start of a request's head (RFC 9112, section
// 3). The relay waits for the rest of a request only; it would hold up any other
// protocol. The caller knows that the first from bytes may be.
func mayBeRequest(p []byte, from int) bool {
	if bytes.IndexByte(p[:from], '\n') >= 0 {
		return true
	}
	line, _, whole := bytes.Cut(p, []byte("\n"))
	method, _, _ := bytes.Cut(line[:min(len(line), maxMethod+1)], []byte(" "))
	if len(method) > maxMethod {
		return false
	}
	for _, c := range method {
		if !isTokenByte(c) {
			return false
		}
	}
	return !whole || bytes.Contains(line, []byte(" HTTP/1."))
}

// speaksTLS tells whether p begins with a TLS record of a handshake or an alert (RFC 8446,
// section 5.1). No message of HTTP/1 begins so.
func speaksTLS(p []byte) bool {
	return len(p) >= 2 && (p[0] == 0x16 || p[0] == 0x15) && p[1] == 3
}

// routeOf is the route of a request: to the original destination, under the name that
// the client gives its server.
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

// hostName is the host of the Host field without its port. It is empty when the field
// is missing or holds no valid name.
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
