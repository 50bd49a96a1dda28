package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The requests that begin a log of writes at the upstream, and that end it and ask for it.
const (
	beginWrites = "POST /bench/writes/begin "
	endWrites   = "POST /bench/writes/end "
)

// writes is a log of the upstream's writes of content events: a line for each, with the moments right before
// and right after it. What it wrote arrived between the two.
type writes struct{ lines []byte }

func (w *writes) add(before, after int64) {
	w.lines = strconv.AppendInt(w.lines, before, 10)
	w.lines = append(w.lines, ' ')
	w.lines = strconv.AppendInt(w.lines, after, 10)
	w.lines = append(w.lines, '\n')
}

// answer is the log as a response.
func (w *writes) answer() []byte { return fmt.Appendf(nil, answerHead, len(w.lines), w.lines) }

// parseWrites reads a log. It returns the end of every write by its begin, which is the time that the event
// carries.
func parseWrites(log []byte) (map[int64]int64, error) {
	ends := map[int64]int64{}
	for line := range bytes.Lines(log) {
		from, to, found := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !found {
			return nil, fmt.Errorf("reading the upstream's writes: %q is cut short", line)
		}
		before, err := parseDigits(from)
		if err == nil {
			ends[before], err = parseDigits(to)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the upstream's writes: %q: %w", line, err)
		}
	}
	return ends, nil
}

// control sends the upstream a request, and returns the body of the answer.
func (l *loader) control(startLine string) ([]byte, error) {
	c, err := l.poller.dial(l.spec.UpstreamPort)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var body []byte
	var failed error
	r := response{onBody: func(p []byte) error { body = append(body, p...); return nil }}
	c.onRead = func(p []byte, _ int64) { _, failed = r.feed(p) }
	c.onClose = func(err error) { failed = err }
	c.write([]byte(startLine + "HTTP/1.1\r\nHost: upstream\r\nContent-Length: 0\r\n\r\n"))
	late := l.poller.clock.now() + int64(10*time.Second)
	err = l.until(late, func() bool { return failed != nil || r.state == ended })
	if err == nil && failed == nil && r.state != ended {
		failed = errors.New("no answer")
	}
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("asking the upstream to %s: %w", startLine, err)
	}
	return body, nil
}
