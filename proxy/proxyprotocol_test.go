package proxy_test

import (
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	proxyLine    = "PROXY TCP4 192.0.2.1 198.51.100.7 35646 80\r\n"
	proxyUnknown = "PROXY UNKNOWN\r\n"
	proxyBinary  = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x07\x8b\x3e\x00\x50"
	proxyLocal   = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

func behindBalancer(c *proxy.Config, _ *tap.Config) { c.ProxyProtocol = true }

func TestProxyHeaderIsTakenOff(t *testing.T) {
	long := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x0f\x00" + proxyBinary[16:] + "\x04\x0e\xf1" + strings.Repeat("x", 0x0ef1)
	for name, header := range map[string]string{
		"version 1": proxyLine, "version 1, unknown": proxyUnknown,
		"version 2": proxyBinary, "version 2, local": proxyLocal, "version 2, long": long,
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, answering)
			f := newFixture(t, u.url, behindBalancer)
			c := f.dial()
			c.send(header + get + get) // one read returns the header with the requests
			c.expect(okay + okay)
			c.send(get) // no later request has a header before it
			c.expect(okay)
			for range 3 {
				f.want(exchange.OK, "", 200)
			}
			if len(header) > 1000 {
				return
			}
			pieces := f.dial()
			for i := range header {
				pieces.send(header[i : i+1])
			}
			f.ask(pieces)
			if n := u.connections.Load(); n != 1 {
				t.Errorf("%d upstream connections, want 1", n)
			}
		})
	}
}

// TestConnectionWithoutProxyHeaderIsClosed without an answer.
func TestConnectionWithoutProxyHeaderIsClosed(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1", behindBalancer)
	for name, sent := range map[string]string{
		"a request":           get,
		"a wrong family":      "PROXY TCP9 192.0.2.1 198.51.100.7 35646 80\r\n" + get,
		"a wrong address":     "PROXY TCP4 nobody 198.51.100.7 35646 80\r\n" + get,
		"an endless line":     "PROXY TCP4 " + strings.Repeat("1", 200),
		"a wrong version":     strings.Replace(proxyBinary, "\x21\x11", "\x31\x11", 1) + get,
		"a wrong signature":   "\r\n\r\n\x00\r\nQUIX\n",
		"addresses too short": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x02\x01\x02" + get,
	} {
		t.Run(name, func(t *testing.T) {
			c := f.dial()
			c.send(sent)
			p := make([]byte, 1)
			if n, err := c.Read(p); n > 0 || err == nil || isTimeout(err) {
				t.Errorf("read %q, %v", p[:n], err)
			}
		})
	}
	if n := f.told.Load(); n != 0 {
		t.Errorf("%d exchanges", n)
	}
}

// TestConnectionIsTakenByThePoller behind a load balancer, too.
func TestConnectionIsTakenByThePoller(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url, behindBalancer)
	c := f.dial()
	c.send(proxyLine + get)
	c.expect(okay)
	clients, _ := f.proxy.Sockets()
	if _, ok := clients[0].(*poller.Conn); !ok && runtime.GOOS == "linux" {
		t.Errorf("it is a %T", clients[0])
	}
}

// TestProxyHeaderIsNotWaitedForForever, and its limit does not concern the requests
// after it.
func TestProxyHeaderIsNotWaitedForForever(t *testing.T) {
	for sent, want := range map[string]time.Duration{"": 5 * time.Second, "PROXY TCP4": 5 * time.Second, proxyLine: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := proxy.New(proxy.Config{ProxyProtocol: true, Tap: tap.New(tap.Config{}), Log: slog.New(slog.DiscardHandler)})
			near, far := net.Pipe()
			l := &pipes{near: make(chan net.Conn, 1)}
			l.near <- near
			go func() { _ = p.Serve(l) }()
			defer func() { _ = l.Close() }()
			if _, err := io.WriteString(far, sent); err != nil {
				t.Error(err)
			}
			began := time.Now()
			_ = far.SetReadDeadline(began.Add(time.Hour))
			if _, err := far.Read(make([]byte, 1)); time.Since(began) != want {
				t.Errorf("after %q: %v after %v, want it after %v", sent, err, time.Since(began), want)
			}
			_ = far.Close()
		})
	}
}

// pipes is a listener whose connections are pipes.
type pipes struct{ near chan net.Conn }

func (l *pipes) Accept() (net.Conn, error) {
	conn, ok := <-l.near
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *pipes) Close() error   { close(l.near); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }
