package proxy_test

import (
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

// FuzzHeadCost checks that no head takes more than a few steps for a byte, neither one of a
// request on its way up nor one of a response on its way down.
func FuzzHeadCost(f *testing.F) {
	for _, c := range [][5]string{
		{"Connection: ", "aaaaaaaaaaa#,", "b\r\n", "bbbbbbbbbbb#:\r\n", ""},
		{"", "Connection: a#\r\n", "", "a#: 1234567\r\n", ""},
		{"Content-Length: ", "0", "\r\n", "Content-Length: 2\r\n", ""},
		{"Transfer-Encoding: ", " ", "chunked\r\n", "Transfer-Encoding: x\r\n", ""},
		{"A: b\r\n", " c\r\n", "D: ", "\r", "\r\n"},
		{"Trailer: ", "a#,", "\r\n", "Trailer: b#\r\n", ""},
		{"A", " ", ": b\r\n", "\n", ""},
	} {
		f.Add([]byte(c[0]), []byte(c[1]), []byte(c[2]), []byte(c[3]), []byte(c[4]))
	}
	route := newRoute(f, "", "http://upstream:8000/base")
	f.Fuzz(func(t *testing.T, before, first, between, second, after []byte) {
		fields := dialecttest.Cost{Before: before, First: first, Between: between, Second: second, After: after}
		request, response := fields, fields
		request.Before = append([]byte("POST /v1 HTTP/1.1\r\nHost: a\r\n"), before...)
		response.Before = append([]byte("HTTP/1.1 200 OK\r\n"), before...)
		request.After = slices.Concat(after, []byte("\r\n\r\n"))
		response.After = request.After
		request.Check(t, func(p []byte) { proxy.ForwardedHead(p, route) })
		response.Check(t, func(p []byte) { proxy.ForwardedResponse(p) })
	})
}
