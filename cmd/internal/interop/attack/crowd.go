package attack

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const (
	// interval is the time between two events of a stream of others.
	interval = 100 * time.Millisecond

	eventStart = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
	eventEnd   = "\"}}]}\n\n"
	streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	lastChunk  = "0\r\n\r\n"

	// sent is the time at which the upstream wrote an event, in nanoseconds since epoch.
	sentDigits, numberDigits = 16, 8
)

// epoch is what the times in events count from. Upstream and clients are one process.
var epoch = time.Now()

// event appends the chunk with the event of that number, sent now.
func event(p []byte, number int) []byte {
	p = fmt.Appendf(p, "%x\r\n", len(eventStart)+sentDigits+numberDigits+len(eventEnd))
	p = append(p, eventStart...)
	p = fmt.Appendf(p, "%0*d%0*d", sentDigits, time.Since(epoch), numberDigits, number)
	return append(append(p, eventEnd...), "\r\n"...)
}

// sentAt takes the time of sending out of an event, and says whether every other byte is
// as the upstream wrote it.
func sentAt(got []byte, number int) (sent time.Duration, ok bool) {
	at := bytes.Index(got, []byte(eventStart)) + len(eventStart)
	if at < len(eventStart) || at+sentDigits > len(got) {
		return 0, false
	}
	digits := got[at : at+sentDigits]
	ns, err := strconv.ParseInt(string(digits), 10, 64)
	want := event(nil, number)
	copy(want[at:], digits)
	return time.Duration(ns), err == nil && bytes.Equal(got, want)
}

// crowd is the clients of the streams of others.
type crowd struct {
	lateness spread
	clients  sync.WaitGroup
	whole    atomic.Int64

	mu    sync.Mutex
	lost  int
	fault error // of the first stream that broke
}

// gather opens the streams of others, and returns when all have events.
func gather(t *testing.T, proxy string) *crowd {
	t.Helper()
	c := &crowd{}
	var begun atomic.Int64
	for range Streams {
		c.clients.Go(func() {
			if err := c.follow(proxy, &begun); err != nil {
				c.lose(err)
				return
			}
			c.whole.Add(1)
		})
		time.Sleep(time.Millisecond) // no burst of dials
	}
	interop.Until(t, "streams of others have begun", func() bool { return begun.Load() == Streams })
	return c
}

// follow reads one stream to its end.
func (c *crowd) follow(proxy string, begun *atomic.Int64) error {
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request("POST", "", ask)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(conn, 1<<10)
	head := make([]byte, len(streamHead))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != streamHead {
		return fmt.Errorf("a stream began with %q: %w", head, err)
	}
	got := make([]byte, len(event(nil, 0)))
	for number := 0; ; number++ {
		if end, err := r.Peek(len(lastChunk)); err != nil {
			return fmt.Errorf("after %d events: %w", number, err)
		} else if string(end) == lastChunk {
			return nil
		}
		if _, err := io.ReadFull(r, got); err != nil {
			return fmt.Errorf("within event %d: %w", number, err)
		}
		at, ok := sentAt(got, number)
		if !ok {
			return fmt.Errorf("event %d came as %q", number, got)
		}
		c.lateness.add(time.Since(epoch) - at)
		if number == 0 {
			begun.Add(1)
		}
	}
}

// restart forgets the lateness so far.
func (c *crowd) restart() { c.lateness.reset() }

// late is a quantile of the lateness of the events since restart: the time from their
// writing by the upstream to their reading by the client.
func (c *crowd) late(q float64) time.Duration { return c.lateness.quantile(q) }

func (c *crowd) lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost++; c.fault == nil {
		c.fault = err
	}
}

// err says how many streams have broken so far, and how the first one did.
func (c *crowd) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == 0 {
		return nil
	}
	return fmt.Errorf("%d streams of others broke; the first: %w", c.lost, c.fault)
}

// end waits for the end of all streams and returns how many were whole.
func (c *crowd) end() int {
	c.clients.Wait()
	return int(c.whole.Load())
}

// spread counts durations in steps of 0.1 ms, up to 2 s. It is safe for concurrent use.
type spread struct{ counts [20_000]atomic.Uint32 }

const spreadStep = 100 * time.Microsecond

func (s *spread) add(d time.Duration) {
	s.counts[min(max(int(d/spreadStep), 0), len(s.counts)-1)].Add(1)
}

func (s *spread) reset() {
	for i := range s.counts {
		s.counts[i].Store(0)
	}
}

// quantile is the upper bound of the step that holds the quantile q.
func (s *spread) quantile(q float64) time.Duration {
	var all, below uint32
	for i := range s.counts {
		all += s.counts[i].Load()
	}
	for i := range s.counts {
		if below += s.counts[i].Load(); float64(below) >= q*float64(all) {
			return time.Duration(i+1) * spreadStep
		}
	}
	return time.Duration(len(s.counts)) * spreadStep
}
