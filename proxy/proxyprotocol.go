package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	// maxProxyLine is the longest header of version 1 (PROXY protocol, section 2.1).
	maxProxyLine = 107
	// proxyHeaderTimeout bounds the wait for a header.
	proxyHeaderTimeout = 5 * time.Second

	proxySignature1 = "PROXY "
	proxySignature2 = "\r\n\r\n\x00\r\nQUIT\n"
	proxyPreamble2  = len(proxySignature2) + 4 // the length of the rest is its last two bytes
)

// skipProxyHeader reads the PROXY header, version 1 or 2, with which the connection must
// begin, and drops it: headway does not use its addresses. It returns false when no
// valid header comes in time; the port is not for such a client.
func (c *clientConn) skipProxyHeader() bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(proxyHeaderTimeout))
	for {
		p := c.bytes()
		n, possible := proxyHeader(p)
		if !possible {
			return false
		}
		if n > 0 && n <= len(p) {
			if _, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(p[:n]))); err != nil {
				return false
			}
			c.use(n)
			break
		}
		if len(p) > 0 && c.holdHead() != nil {
			return false
		}
		if _, _, err := c.fill(); err != nil {
			return false
		}
	}
	return c.headDone() && c.expectRequests()
}

// expectRequests lifts the bound on the wait for the header. While the proxy drains, the
// wait for a request has a bound too, as in remember.
func (c *clientConn) expectRequests() bool {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	wait := time.Time{}
	if c.proxy.draining.Load() {
		wait = time.Now().Add(linger)
	}
	return c.conn.SetReadDeadline(wait) == nil
}

// proxyHeader returns the length of the PROXY header that p starts with, or 0 while p is
// too short to tell. Possible is false when p does not start with a header.
func proxyHeader(p []byte) (n int, possible bool) {
	switch {
	case begins(p, proxySignature1):
		if i := bytes.Index(p[:min(len(p), maxProxyLine)], []byte("\r\n")); i >= 0 {
			return i + 2, true
		}
		return 0, len(p) < maxProxyLine
	case begins(p, proxySignature2):
		if len(p) < proxyPreamble2 {
			return 0, true
		}
		return proxyPreamble2 + int(binary.BigEndian.Uint16(p[proxyPreamble2-2:])), true
	}
	return 0, false
}

// begins tells whether p starts with signature, or with as much of it as p has room for.
func begins(p []byte, signature string) bool {
	n := min(len(p), len(signature))
	return string(p[:n]) == signature[:n]
}
