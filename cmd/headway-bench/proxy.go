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
	port  int
	admin string
	pids  []int
}

func (p *proxyUnderTest) stop() {
	if p.child != nil {
		p.child.stop()
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

// startTarget returns when the target has answered one request.
func (b *bench) startTarget(ctx context.Context, t target) (*proxyUnderTest, error) {
	p := &proxyUnderTest{port: b.port}
	if t.command == nil {
		return p, nil
	}
	a := addresses{upstreamPort: b.port, maxStreams: b.options.mostStreams()}
	var err error
	if a.port, err = freePort(); err != nil {
		return nil, err
	}
	if a.adminPort, err = freePort(); err != nil {
		return nil, err
	}
	p.port = a.port
	dir, err := os.MkdirTemp(b.dir, t.name+"-")
	if err != nil {
		return nil, err
	}
	c, err := t.command(a, dir)
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
	if err := p.ready(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting %s: %w", t.name, err)
	}
	if p.pids, err = processTree(p.child.pid()); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// ready asks until the proxy says that it is ready, where it can, and has answered a request.
func (p *proxyUnderTest) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := p.probe()
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

func (p *proxyUnderTest) probe() error {
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
	conn, err := net.DialTimeout("tcp", loopback(p.port), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(appendRequest(nil, p.port, 0, 0, "")); err != nil {
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
