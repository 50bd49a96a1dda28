package main

import (
	"bytes"
	"container/heap"
	"fmt"
)

// pace says when the content events of a stream are due: at every time of the monotonic clock that
// leaves the remainder phase when divided by interval. When the phases of all streams are spread evenly
// over the interval, so are their events. Times are in nanoseconds.
type pace struct {
	events   int
	interval int64
	phase    int64
}

// parsePace reads the X-Bench header: "events interval-ns phase-ns".
func parsePace(spec string) (pace, error) {
	fields := bytes.Fields([]byte(spec))
	if len(fields) != 3 {
		return pace{}, fmt.Errorf("X-Bench %q: want events, interval and phase", spec)
	}
	var numbers [3]int64
	for i, field := range fields {
		n, err := parseDigits(field)
		if err != nil {
			return pace{}, fmt.Errorf("X-Bench %q: %w", spec, err)
		}
		numbers[i] = n
	}
	if numbers[1] == 0 {
		return pace{}, fmt.Errorf("X-Bench %q: interval is zero", spec)
	}
	return pace{events: int(numbers[0]), interval: numbers[1], phase: numbers[2]}, nil
}

func (p pace) String() string { return fmt.Sprintf("%d %d %d", p.events, p.interval, p.phase) }

// first returns the first time after at at which an event is due.
func (p pace) first(at int64) int64 {
	return at + p.interval - ((at-p.phase)%p.interval+p.interval)%p.interval
}

// stream is a response that the upstream is sending.
type stream struct {
	conn      *upstreamConn
	pace      pace
	writer    eventWriter
	due       int64 // time of the next event
	finishing bool  // the finish chunk is sent
	gone      bool  // the client left
}

// pacer keeps the streams in the order in which their next events are due.
type pacer struct{ streams byDue }

func (p *pacer) push(s *stream) { heap.Push(&p.streams, s) }

// next returns the time at which the next event is due, or limit if that is earlier.
func (p *pacer) next(limit int64) int64 {
	if len(p.streams) == 0 {
		return limit
	}
	return min(limit, p.streams[0].due)
}

// send calls send for every stream with a due event, and forgets the stream when send returns false. A
// stream that is behind catches up in a burst, as it would at a real server; its events carry the time
// at which they were really sent.
func (p *pacer) send(clock clock, send func(s *stream) bool) {
	// After so many events at the latest the sockets get their turn.
	for range 64 {
		if len(p.streams) == 0 || p.streams[0].due > clock.now() {
			return
		}
		s := p.streams[0]
		if !send(s) {
			heap.Pop(&p.streams)
			continue
		}
		s.due += s.pace.interval
		heap.Fix(&p.streams, 0)
	}
}

// finish ends every stream now. No more content comes, and the closing events are 100 µs apart.
func (p *pacer) finish(now int64) {
	const apart = 100_000
	for i, s := range p.streams {
		s.pace.events = s.writer.sequence
		s.pace.interval = int64(len(p.streams)) * apart
		s.due = now + int64(i)*apart
	}
	heap.Init(&p.streams)
}

// byDue is a heap.Interface with the earliest stream first.
type byDue []*stream

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due < h[j].due }
func (h byDue) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byDue) Push(s any)        { *h = append(*h, s.(*stream)) }
func (h *byDue) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
