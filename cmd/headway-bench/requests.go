package main

import (
	"errors"
	"fmt"
	"time"
)

// requestClient sends plain requests on one connection, each as soon as the last answer is there.
type requestClient struct {
	loader   *loader
	conn     *conn
	response response
	number   int   // of the connection
	asked    int   // requests so far
	body     int   // bytes of the answer's body so far
	busy     bool  // a request is under way
	sent     int64 // when
	request  []byte
}

// runRequests sends a number of requests over some connections. A tenth of that number comes first, as
// warm-up.
func (l *loader) runRequests() error {
	spec := l.spec
	l.latency = make([]int64, 0, spec.Requests+spec.Connections)
	clients := make([]*requestClient, 0, spec.Connections)
	for i := range spec.Connections {
		c, err := l.openRequests(i)
		if err != nil {
			return err
		}
		clients = append(clients, c)
		c.ask()
	}
	// A millisecond a request is far more than any proxy needs.
	patience := l.poller.clock.now() + int64(time.Minute) + int64(spec.Requests)*int64(time.Millisecond)
	if err := l.untilRequests(int64(spec.Requests/10), patience); err != nil {
		return err
	}
	l.latency = l.latency[:0]
	from, err := l.usage()
	if err != nil {
		return err
	}
	if err := l.untilRequests(from.requests+int64(spec.Requests), patience); err != nil {
		return err
	}
	to, err := l.usage()
	if err != nil {
		return err
	}
	l.setWindow(from, to)
	for _, c := range clients {
		c.busy = false
		c.conn.close()
	}
	return nil
}

// untilRequests serves the connections until n answers are there. It fails when they are not there at
// the time patience, or when a request is bad.
func (l *loader) untilRequests(n, patience int64) error {
	err := l.until(patience, func() bool { return l.requests >= n || l.result.Bad > 0 })
	if err == nil && l.requests < n {
		err = fmt.Errorf("%d of %d requests answered: %s", l.requests, n, l.result.FirstBad)
	}
	return err
}

func (l *loader) openRequests(number int) (*requestClient, error) {
	conn, err := l.poller.dial(l.spec.Port)
	if err != nil {
		return nil, err
	}
	c := &requestClient{loader: l, conn: conn, number: number}
	c.response.onBody = func(p []byte) error { c.body += len(p); return nil }
	conn.onRead = c.read
	conn.onClose = func(err error) {
		if c.busy {
			l.bad(fmt.Errorf("connection closed during a request: %w", err))
		}
	}
	return c, nil
}

func (c *requestClient) ask() {
	c.response.reset()
	c.body = 0
	c.busy = true
	c.asked++
	c.request = appendRequest(c.request[:0], c.loader.spec.Prefix, c.loader.spec.Port, c.number, c.asked, "")
	c.sent = c.loader.poller.clock.now()
	c.conn.write(c.request)
}

func (c *requestClient) read(p []byte, at int64) {
	rest, err := c.response.feed(p)
	if err == nil && c.response.state != ended {
		return
	}
	c.busy = false
	if err == nil && (len(rest) > 0 || c.body == 0) {
		err = errors.New("the response body differs from the one sent")
	}
	if err != nil {
		c.loader.bad(err)
		c.conn.close()
		return
	}
	c.loader.requests++
	c.loader.latency = append(c.loader.latency, at-c.sent)
	c.ask()
}
