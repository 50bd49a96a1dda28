package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// proxyUnderTest is a started target.
type proxyUnderTest struct {
	child *child // nil for direct
	port  int    // the load generator connects to it
	admin string // address of headway's admin port; empty for other proxies
	pids  []int
	// prefix goes before the path of every request.
	prefix string
	// capture is the file to which headway writes what it records; empty when it writes none.
	capture string
	// redirected says that the packet filter redirects connections to port to the proxy.
	redirected bool
	unredirect func() // removes the rules; nil when there are none
}

// stop ends the proxy, and then the redirection.
func (p *proxyUnderTest) stop() {
	if p.child != nil {
		p.child.stop()
	}
	// The order matters: the kernel tracks connections only while there are rules. When it misses the
	// end of a connection, it sends a later one from the same port to this proxy.
	if p.unredirect != nil {
		p.unredirect()
	}
}

// complaint returns the last words of a proxy that has ended, and nothing while it runs.
func (p *proxyUnderTest) complaint() string {
	if p.child == nil {
		return ""
	}
	select {
	case <-p.child.done:
		return fmt.Sprintf("; the proxy ended (%v): %s", p.child.err, p.child.complaint())
	default:
		return ""
	}
}

// startTarget starts a target for a scenario. It returns when the target has answered a request or, when
// the packet filter redirects connections to it, can accept them.
func (b *bench) startTarget(ctx context.Context, t target, scenario string) (*proxyUnderTest, error) {
	upstream, starter := b.port, t.command
	p := &proxyUnderTest{redirected: t.redirected, prefix: t.prefix}
	if isTunnel(scenario) {
		starter, p.redirected = t.tunnel, true
	}
	if scenario == "sealed" || overTLS(scenario) {
		upstream = b.sealedPort
	}
	p.port = upstream
	if t.command == nil {
		return p, nil
	}
	a := addresses{upstreamPort: upstream, maxStreams: b.options.streamsIn(scenario)}
	if overTLS(scenario) {
		a.authority = b.authority
	}
	var err error
	if a.port, err = freePort(); err != nil {
		return nil, err
	}
	if a.adminPort, err = freePort(); err != nil {
		return nil, err
	}
	if !p.redirected {
		p.port = a.port
	}
	if scenario == "truth" {
		p.capture = filepath.Join(b.dir, fmt.Sprintf("capture-%d.jsonl", a.port))
		a.capture = p.capture
	}
	if t.admin {
		p.admin = loopback(a.adminPort)
	}
	if p.child, err = b.startProxy(t.name, starter, a); err != nil {
		return nil, fmt.Errorf("starting %s: %w", t.name, err)
	}
	if err := b.bringUp(ctx, p, t, a); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting %s: %w", t.name, err)
	}
	return p, nil
}

// startProxy starts a proxy on its core.
func (b *bench) startProxy(name string, starter starter, a addresses) (*child, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return nil, err
	}
	c, err := starter(a, dir)
	if err != nil {
		return nil, fmt.Errorf("writing its configuration: %w", err)
	}
	return start(c.argv, c.env, b.place(b.proxyCore), dir, nil, nil)
}

// bringUp waits until the proxy is ready, and redirects the connections that t asks for.
func (b *bench) bringUp(ctx context.Context, p *proxyUnderTest, t target, a addresses) (err error) {
	if err := p.ready(ctx, a.port); err != nil {
		return err
	}
	if p.pids, err = processTree(p.child.pid()); err != nil {
		return err
	}
	switch {
	case p.redirected:
		return b.redirect(p, a.upstreamPort, a.port)
	case t.tracked:
		return b.redirect(p, a.adminPort, a.port)
	}
	return nil
}

// redirect redirects connections to the port from to the port to, until p stops.
func (b *bench) redirect(p *proxyUnderTest, from, to int) error {
	headway, err := findHeadway(b.options.headway)
	if err != nil {
		return err
	}
	p.unredirect = func() {
		if err := endRedirect(headway); err != nil {
			b.report.note("figures after this are wrong: " + err.Error())
		}
	}
	return redirect(headway, from, to)
}

// ready probes the proxy until it answers, for a minute at most: a proxy in Python may load for half of it.
func (p *proxyUnderTest) ready(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := p.probe(port)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w: %s", err, p.child.complaint())
		case <-p.child.done:
			return fmt.Errorf("ended: %w: %s", p.child.err, p.child.complaint())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// probe asks headway whether it is ready, connects to the proxy and makes a request. When the packet
// filter redirects connections to the proxy, probe makes no request, and does not connect to headway,
// which refuses other connections.
func (p *proxyUnderTest) probe(port int) error {
	if p.admin != "" {
		answer, err := http.Get("http://" + p.admin + "/healthz/ready")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("readiness answered %s", answer.Status)
		}
	}
	if p.redirected && p.admin != "" {
		return nil
	}
	conn, err := net.DialTimeout("tcp", loopback(port), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if p.redirected {
		return nil
	}
	return request(conn, port, p.prefix)
}

// request makes a plain request and reads the answer.
func request(conn net.Conn, port int, prefix string) error {
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(appendRequest(nil, prefix, port, 0, 0, "")); err != nil {
		return err
	}
	r := response{onBody: func([]byte) error { return nil }}
	buffer := make([]byte, 16<<10)
	for r.state != ended {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		if _, err := r.feed(buffer[:n]); err != nil {
			return err
		}
	}
	return nil
}
