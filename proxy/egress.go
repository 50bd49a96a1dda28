package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Egress is an HTTP proxy on the way out. headway asks it for a tunnel to an upstream, and
// all that goes through the tunnel is as on a direct connection (RFC 9110, section 9.3.6).
type Egress struct {
	Proxy         exchange.Upstream // where it listens
	Authorization string            // the field Proxy-Authorization; empty sends none
}

// tunnelError is why an HTTP proxy gave no tunnel.
type tunnelError struct {
	proxy string
	err   error
}

func (e *tunnelError) Error() string { return fmt.Sprintf("HTTP proxy %s: %v", e.proxy, e.err) }

func (e *tunnelError) Unwrap() error { return e.err }

// maxTunnelHead bounds the answer of an HTTP proxy.
const maxTunnelHead = 16 << 10

// open opens a tunnel to an address. It gives up when ctx ends. No error shows the
// Authorization.
func (e *Egress) open(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), to string) (net.Conn, error) {
	conn, err := dial(ctx, "tcp", e.Proxy.Address())
	if err != nil {
		return nil, &tunnelError{e.Proxy.Address(), err}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = e.ask(conn, to)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, &tunnelError{e.Proxy.Address(), err}
	}
	return conn, nil
}

// ask asks for the tunnel on a connection to the proxy.
func (e *Egress) ask(conn net.Conn, to string) error {
	request := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if e.Authorization != "" {
		request += "Proxy-Authorization: " + e.Authorization + "\r\n"
	}
	if _, err := conn.Write([]byte(request + "\r\n")); err != nil {
		return err
	}
	head, err := tunnelHead(conn)
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(head, "\n")
	line = strings.TrimRight(line, "\r")
	version, status, _ := strings.Cut(line, " ")
	switch {
	case !strings.HasPrefix(version, "HTTP/1."):
		return fmt.Errorf("it does not speak HTTP/1: %q", line[:min(len(line), maxShown)])
	case len(status) < 3 || status[0] != '2':
		return fmt.Errorf("it answered %q", status[:min(len(status), maxShown)])
	}
	return nil
}

// tunnelHead reads the head of the proxy's answer and nothing behind it, because that is the
// upstream's. A read for each byte of some hundred, once a connection, costs less than to give
// bytes back.
func tunnelHead(conn net.Conn) (string, error) {
	var head []byte
	for one := make([]byte, 1); len(head) < maxTunnelHead; {
		if _, err := conn.Read(one); err != nil {
			return "", err
		}
		if head = append(head, one[0]); one[0] == '\n' && (bytes.HasSuffix(head, []byte("\r\n\r\n")) || bytes.HasSuffix(head, []byte("\n\n"))) {
			return string(head), nil
		}
	}
	return "", errors.New("the head of its answer does not end")
}
