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

	// clockDigits is the length of a moment in an event. Each event has two: see moment.
	clockDigits, numberDigits = 16, 8
)

// epoch is what the times in events count from. Upstream and clients are one process.
var epoch = time.Now()

// moment is when an event was written or read: by the clock of the test, from epoch on, and
// by the CPU clock of headway. The time between two moments says how late the event is. The
// CPU time says how much headway worked meanwhile, the event itself included; other work of
// the machine does not change that.
type moment struct{ clock, cpu time.Duration }

func now(headway int) moment {
	used, _ := cpuTime(headway) // it fails when headway is gone, which fails the test
	return moment{time.Since(epoch), used}
}

// event appends the chunk with the event of that number, sent at a moment.
func event(p []byte, at moment, number int) []byte {
	p = fmt.Appendf(p, "%x\r\n", len(eventStart)+2*clockDigits+numberDigits+len(eventEnd))
	p = append(p, eventStart...)
	p = fmt.Appendf(p, "%0*d%0*d%0*d", clockDigits, at.clock, clockDigits, at.cpu, numberDigits, number)
	return append(append(p, eventEnd...), "\r\n"...)
}

// sentAt takes the moment of sending out of an event, and says whether every other byte is
// as the upstream wrote it.
func sentAt(got []byte, number int) (at moment, ok bool) {
	from := bytes.Index(got, []byte(eventStart)) + len(eventStart)
	if from < len(eventStart) || from+2*clockDigits > len(got) {
		return moment{}, false
	}
	clock, err := strconv.ParseInt(string(got[from:from+clockDigits]), 10, 64)
	cpu, err2 := strconv.ParseInt(string(got[from+clockDigits:from+2*clockDigits]), 10, 64)
	at = moment{time.Duration(clock), time.Duration(cpu)}
	return at, err == nil && err2 == nil && bytes.Equal(got, event(nil, at, number))
}

// crowd is the clients of the streams of others.
type crowd struct {
	headway    int    // its pid
	late, work spread // of the events: see moment
	clients    sync.WaitGroup
	whole      atomic.Int64

	mu    sync.Mutex
	lost  int
	fault error // of the first stream that broke
}

// gather opens the streams of others, and returns when all have events.
func gather(t *testing.T, proxy string, headway, streams int) *crowd {
	t.Helper()
	c := &crowd{headway: headway}
	var begun atomic.Int64
	for range streams {
		c.clients.Go(func() {
			if err := c.follow(proxy, &begun); err != nil {
				c.lose(err)
				return
			}
			c.whole.Add(1)
		})
		time.Sleep(time.Millisecond) // no burst of dials
	}
	interop.Until(t, "streams of others have begun", func() bool { return begun.Load() == int64(streams) })
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
	got := make([]byte, len(event(nil, moment{}, 0)))
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
		read := now(c.headway)
		c.late.add(read.clock - at.clock)
		c.work.add(read.cpu - at.cpu)
		if number == 0 {
			begun.Add(1)
		}
	}
}

// restart forgets the lateness so far.
func (c *crowd) restart() {
	c.late.reset()
	c.work.reset()
}

// p99 is the lateness of the events since restart, as a quantile of each clock by itself.
func (c *crowd) p99() moment { return moment{c.late.quantile(0.99), c.work.quantile(0.99)} }

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
