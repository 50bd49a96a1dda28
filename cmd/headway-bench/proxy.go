package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// proxyUnderTest is a started target. child is nil for direct.
type proxyUnderTest struct {
	child *child
	port  int // that the load generator connects to
	admin string
	pids  []int
	// redirected says that connections to port are redirected to the proxy.
	redirected bool
	unredirect func() // nil when there is nothing to remove
}

func (p *proxyUnderTest) stop() {
	if p.child != nil {
		p.child.stop()
	}
	// Not before: the kernel tracks connections only as long as there are rules, and one whose end it
	// has missed would lead a later one from the same port to this proxy.
	if p.unredirect != nil {
		p.unredirect()
	}
}

// complaint is what an ended proxy left on standard error.
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

// startTarget returns when the target has answered one request or, where connections are redirected
// to it, is there to take them.
func (b *bench) startTarget(ctx context.Context, t target, scenario string) (*proxyUnderTest, error) {
	upstream, configure := b.port, t.command
	p := &proxyUnderTest{redirected: t.redirected}
	if isTunnel(scenario) {
		configure, p.redirected = t.tunnel, true
	}
	if scenario == "sealed" {
		upstream = b.sealedPort
	}
	p.port = upstream
	if t.command == nil {
		return p, nil
	}
	a := addresses{upstreamPort: upstream, maxStreams: b.options.mostStreams()}
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
	dir, err := os.MkdirTemp(b.dir, t.name+"-")
	if err != nil {
		return nil, err
	}
	c, err := configure(a, dir)
	if err != nil {
		return nil, fmt.Errorf("configuring %s: %w", t.name, err)
	}
	p.child, err = start(c.argv, c.env, b.place(b.proxyCore), dir, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", t.name, err)
	}
	if t.admin {
		p.admin = loopback(a.adminPort)
	}
	if err := p.ready(ctx, a.port); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting %s: %w", t.name, err)
	}
	switch p.pids, err = processTree(p.child.pid()); {
	case err != nil:
	case p.redirected:
		err = b.redirect(p, upstream, a.port)
	case t.tracked:
		err = b.redirect(p, a.adminPort, a.port)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// redirect leads connections to the upstream to the proxy until that is stopped.
func (b *bench) redirect(p *proxyUnderTest, upstream, to int) error {
	headway, err := findHeadway(b.options.headway)
	if err != nil {
		return err
	}
	p.unredirect = func() {
		if err := endRedirect(headway); err != nil {
			b.report.note("figures after this are wrong: " + err.Error())
		}
	}
	return redirect(headway, upstream, to)
}

// ready asks until the proxy says that it is ready, where it can, and has answered a request.
func (p *proxyUnderTest) ready(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
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
		return nil // headway refuses connections that were not redirected
	}
	conn, err := net.DialTimeout("tcp", loopback(port), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if p.redirected {
		return nil
	}
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(appendRequest(nil, port, 0, 0, "")); err != nil {
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
