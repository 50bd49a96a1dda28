package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// openingPatience is the time that the last stream has for its first token, beyond the interval between two
// events.
const openingPatience = time.Minute

// runOpening opens all streams within a short time, each on a connection of its own, and takes the TTFT of
// each. Its window begins with the first connection. It lasts for the opening and for an interval between two
// events, in which every stream has its first token due, and for as much longer as the last of these tokens
// takes. After that runOpening reads the proxy's memory.
func (l *loader) runOpening() error {
	spec, m := l.spec, &l.result.Memory
	l.ttft = make([]int64, 0, spec.Streams)
	from, err := l.usage()
	if err != nil {
		return err
	}
	streams, err := l.openAll(spec.Opening, false)
	if err != nil {
		return err
	}
	due := from.at + int64(spec.Opening+spec.Interval)
	if err := l.until(due, nil); err != nil {
		return err
	}
	if err := l.until(due+int64(openingPatience), func() bool { return len(l.ttft) >= spec.Streams }); err != nil {
		return err
	}
	to, err := l.usage()
	if err != nil {
		return err
	}
	l.setWindow(from, to)
	l.countOpen(streams)
	if err := l.readMemory(&m.Open, &m.OpenGoroutines); err != nil {
		return err
	}
	return l.finishStreams(streams)
}

// countOpen counts the open streams that have carried tokens. It counts it as bad when not all have.
func (l *loader) countOpen(streams []*streamClient) {
	m := &l.result.Memory
	for _, s := range streams {
		if s.busy && s.checker.sequence > 0 {
			m.Streams++
		}
	}
	if m.Streams < len(streams) {
		l.bad(fmt.Errorf("%d of %d streams carry tokens", m.Streams, len(streams)))
	}
}

// fitOpening lowers the number of streams of an opening to the one that the limit of open files allows a
// proxy, where this process may not raise that limit. note says so; it is empty when the number stays.
func (o *options) fitOpening() (note string) {
	if !slices.Contains(o.scenarios, "opening") || raiseDescriptors(uint64(descriptors(o.openingStreams))) == nil {
		return ""
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return ""
	}
	fits := streamsWithin(int(limit.Max))
	note = fmt.Sprintf("opening: %d streams in place of %d, because a process may open %d files at most", fits, o.openingStreams, limit.Max)
	o.openingStreams = fits
	return note
}

// enoughPorts fails when the kernel has too few local ports for so many connections to one address. The
// load generator needs one for each stream, and so does the proxy.
func enoughPorts(streams int) error {
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ports, err := parsePorts(text)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	if streams > ports {
		return fmt.Errorf("%d streams need as many local ports, and %s has %d", streams, file, ports)
	}
	return nil
}

// parsePorts counts the ports between the two that text names, both included.
func parsePorts(text []byte) (int, error) {
	var first, last int
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil {
		return 0, err
	}
	return last - first + 1, nil
}
