package tap

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// A Feed that takes longer than slowFeed is slow. After maxSlowFeeds slow ones in a row
// the decoder has fallen behind. A Feed is at most one read of the relay, some
// microseconds of work; but the system may stop a throttled process for longer in the
// middle of any.
const (
	slowFeed     = 250 * time.Millisecond
	maxSlowFeeds = 3
)

// ResponseHead reports the head of the final response, which the relay read at the
// given moment.
func (x *Exchange) ResponseHead(status int, h exchange.Header, read Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	at := x.cameAt(read).at
	x.answered = read
	x.record.Status = int32(status)
	x.record.Timing.ResponseHead = x.offset(at)
	x.progress.head.Store(int64(x.offset(at)))
	x.head.Response.Status = status
	var shaken handshake
	h(func(name, value []byte) bool {
		switch {
		case exchange.EqualFold(name, "content-type"):
			x.head.Response.ContentType = mediaType(value)
		case exchange.EqualFold(name, "content-encoding"):
			if len(x.encoding) <= maxEncoding {
				x.encoding = join(x.encoding, value)
			}
		case status == http.StatusSwitchingProtocols:
			shaken.field(name, value)
		default:
			x.limits.field(name, value, at.Time())
			advise(&x.record.Advice, name, value, at.Time())
		}
		return true
	})
	if x.head.Response.ContentType == eventStream {
		x.record.Stream = true
		x.tap.flight.add(x.key, 0, 1)
		if !x.streams {
			x.identify(x.attempt())
		}
	}
	if status == http.StatusSwitchingProtocols {
		x.openSession(shaken)
	}
	x.bookWait(at)
}

// bookWait books the time since the relay was ready as a wait for the upstream. Only a
// wait inside a body, after its first byte, can be the longest.
func (x *Exchange) bookWait(until Instant) {
	if x.ready == 0 || until < x.ready {
		x.ready = until
	}
	waited := until.Sub(x.ready)
	x.record.Clocks.Upstream.Sum += waited
	if x.chunks > 0 {
		x.record.Clocks.Upstream.Longest = max(x.record.Clocks.Upstream.Longest, waited)
	}
	x.ready = until
}

// Chunk reports bytes of the response's body: the relay read them from the upstream at
// read, and the client had taken them at written. The spans are the body without
// framing, and together they are one read. Chunk returns how long it took.
func (x *Exchange) Chunk(spans [][]byte, read, written Instant) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return 0
	}
	came := x.cameAt(read)
	x.bookArrival(came)
	x.record.Clocks.Client.Add(max(0, written.Sub(read)))
	at := x.offset(came.at)
	for _, p := range spans {
		if len(p) == 0 {
			continue
		}
		if x.record.Bytes.Out == 0 {
			x.firstChunk(p, at, max(0, written.Sub(came.at)))
		}
		x.record.Bytes.Out += int64(len(p))
		x.record.Timing.LastChunk = at
		x.feed(p, at)
		x.received(p, came, written)
	}
	x.chunks++
	x.arrived(at)
	x.ready = Now()
	own := max(0, x.ready.Sub(written))
	x.record.Clocks.Proxy.Add(own)
	if x.inflater == nil { // which feeds in its own time
		x.bookFeed(own)
	}
	return own
}

// bookFeed counts a Feed that took d, if it was slow, and detaches a decoder that has
// fallen behind.
func (x *Exchange) bookFeed(d time.Duration) {
	if d <= slowFeed {
		x.slowFeeds = 0
		return
	}
	if x.slowFeeds++; x.slowFeeds == maxSlowFeeds && x.decoder != nil {
		x.detach(&x.tap.slow, "decoder_slow")
	}
}

// firstChunk books the first bytes of the body, and chooses the way by which the body
// reaches the decoder.
func (x *Exchange) firstChunk(p []byte, at, forwarding time.Duration) {
	x.record.Timing.FirstChunk = at
	x.record.Overhead.FirstChunk = forwarding
	if x.decoder == nil {
		return
	}
	layers, known := codings(x.encoding, p)
	switch {
	case !known:
		x.decoder = nil
		x.progress.over.Store(true)
		x.record.Notes = append(x.record.Notes, "unknown_encoding")
	case len(layers) > 0:
		x.inflater = newInflater(layers, x)
	case x.record.Stream:
		x.batches = true
	}
}

// feed hands body bytes to the decoder: those of a compressed body through the
// inflater, those of a stream through the backlog.
func (x *Exchange) feed(p []byte, at time.Duration) {
	switch {
	case x.decoder == nil:
	case x.inflater != nil:
		if !x.unread && !x.inflater.waiting.push(p, at) {
			x.inflater.waiting.end()
			x.stopReading(overflown)
		}
	case x.queue(p, at):
	default:
		x.catchUp()
		if !x.queue(p, at) {
			x.guard(func() {
				x.decoder.Feed(p, at)
				rest(x.decoder)
				x.bookProgress(x.decoder)
			})
		}
	}
}

// queue puts bytes into the backlog, and reports whether there is room for them.
func (x *Exchange) queue(p []byte, at time.Duration) bool {
	if x.backlog == nil {
		if !x.batches || len(p) > backlogBytes {
			return false
		}
		x.backlog = x.tap.borrowBacklog()
	}
	if !x.backlog.add(p, at) {
		return false
	}
	if behind := &x.progress.behind; !behind.Load() {
		behind.Store(true)
	}
	return true
}

// catchUp decodes the backlog, and gives it back.
func (x *Exchange) catchUp() {
	b := x.backlog
	if b == nil {
		return
	}
	x.backlog = nil
	x.progress.behind.Store(false)
	x.progress.decoded = x.record.Timing.LastChunk
	if x.decoder != nil && b.n > 0 {
		room := x.tap.borrowRestored()
		x.guard(func() {
			b.drain(x.decoder, room)
			rest(x.decoder)
			x.bookProgress(x.decoder)
		})
		x.tap.restored.Put(room)
	}
	x.tap.returnBacklog(b)
}

// rest tells a decoder that nothing waits for it. It may hold memory that it needs only while
// it reads.
func rest(d dialect.Decoder) {
	if d, ok := d.(interface{ Rest() }); ok {
		d.Rest()
	}
}

// eventStream is the media type of server-sent events.
const eventStream = "text/event-stream"

// mediaType returns a Content-Type without its parameters, in lower case.
func mediaType(v []byte) string {
	if i := bytes.IndexByte(v, ';'); i >= 0 {
		v = v[:i]
	}
	v = bytes.TrimSpace(v)
	if exchange.EqualFold(v, eventStream) { // which most have, so that they share it
		return eventStream
	}
	return strings.ToLower(string(v))
}

// join adds the value of another field of the same name to a list.
func join(list string, value []byte) string {
	if list == "" {
		return string(value)
	}
	return list + "," + string(value)
}
