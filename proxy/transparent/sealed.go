package transparent

import (
	"net/netip"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// controlBound is the longest record that is no message: a frame or two of
	// HTTP/2's own (WINDOW_UPDATE, PING, the acknowledgement of SETTINGS), a 100
	// Continue, the last chunk of a body, "data: [DONE]". Encryption adds up to 29.
	controlBound = 56
	// headBurst is how long after a response's first record others are taken to have
	// come with it: events that precede the first token.
	headBurst = 5 * time.Millisecond
	// burstGap is the silence that tells one burst from the next.
	burstGap = 500 * time.Microsecond
	// endBound is the longest record that looks like the end of a body: the last chunk
	// (RFC 9112, section 7.1), or an empty DATA frame (RFC 9113, section 6.1).
	endBound = 33
	// A response is over when the server is silent for so long: after what looks like
	// the end of a body, or after anything.
	silenceAfterEnd = 5 * time.Second
	silence         = 30 * time.Second
	// idleBefore is the silence before an unannounced end that makes it the end of an
	// idle connection, and not of a response.
	idleBefore = time.Second
)

// seal times the exchanges of a TLS connection by its records. It is safe for
// concurrent use; what each direction reports, it reports in order.
type seal struct {
	mu      sync.Mutex
	blind   bool // what passes is no TLS, or the timing has failed
	records [2]Records

	// later holds what was seen of the server's records, until there is enough of it
	// or something else happens: right after system calls, on cold caches, each alone
	// would take many times as long.
	later   [12]moment
	waiting int

	hello     *Hello // the client's, until it was read
	answer    *Hello // the server's, likewise
	http2     bool
	handshake handshake

	observer exchange.Observer
	blank    exchange.Record // what all exchanges of the connection have in common

	call     *sealedCall // under way
	endSeen  bool        // the last one was seen to end
	sideEnds [2]sideEnd
	first    way  // the side that ended first
	heard    bool // the server went on after the client's end
	drained  bool
	finished []exchange.Record // not told yet
}

// moment is the begin or the end of a record of the server's, or both.
type moment struct {
	at          tap.Instant
	length      int32
	kind        uint8
	first, last bool
}

// sideEnd is the end of what one side sends.
type sideEnd struct {
	at      tap.Instant // 0 before
	orderly bool
	alert   bool // with a record of its own
}

func newSeal(c *Config, to netip.AddrPort, at tap.Instant) *seal {
	return &seal{
		observer: c.Observer,
		hello:    new(Hello),
		answer:   new(Hello),
		endSeen:  true,
		blank: exchange.Record{
			Start: at.Time(), Origin: exchange.App, Role: c.Role, Mode: exchange.Sealed,
			Upstream: exchange.Upstream{Host: to.Addr().String(), Port: int(to.Port())},
		},
	}
}

// saw takes what was read from w's side and is about to be forwarded.
func (s *seal) saw(w way, p []byte, at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind {
		return
	}
	defer s.guard()
	if w == up {
		s.catchUp()
	}
	for len(p) > 0 {
		var piece Piece
		var err error
		if piece, p, err = s.records[w].Next(p); err != nil {
			s.catchUp()
			s.blind = true // and the exchange ends with the connection
			s.note("no_tls_record")
			return
		}
		if piece.Type == recordHandshake {
			s.readHello(w, piece.Data)
		}
		if !piece.First && !piece.Last {
			continue
		}
		m := moment{at, int32(piece.Length), piece.Type, piece.First, piece.Last}
		if w == up {
			s.sent(m)
			continue
		}
		if s.waiting == len(s.later) {
			s.catchUp()
		}
		s.later[s.waiting] = m
		s.waiting++
	}
}

// guard ends the timing after a panic in it; the tunnel goes on.
func (s *seal) guard() {
	if recover() != nil {
		s.blind = true
		s.waiting = 0
		s.note("timing_failed")
	}
}

// catchUp takes over what was seen of the server's records.
func (s *seal) catchUp() {
	if s.waiting == 0 {
		return
	}
	defer s.guard()
	for _, m := range s.later[:s.waiting] {
		s.received(m)
	}
	s.waiting = 0
}

// sent takes a moment of the client's records.
func (s *seal) sent(m moment) {
	switch {
	case !m.first:
	case s.isAlert(m):
		s.end(up, sideEnd{at: m.at, orderly: true, alert: true})
	case s.handshake.client(m.kind, int(m.length), m.at):
		s.request(int(m.length), m.at)
	}
	if m.last && m.kind == recordApplicationData && s.call != nil {
		s.call.complete(up, m.at)
	}
}

// received takes a moment of the server's.
func (s *seal) received(m moment) {
	begun := s.call != nil && s.call.head > 0
	switch {
	case !m.first:
	case s.isAlert(m):
		s.end(down, sideEnd{at: m.at, orderly: true, alert: true})
	case s.handshake.server(m.kind, int(m.length), m.at, s.http2, begun):
		s.response(int(m.length), m.at)
	}
	if m.last && m.kind == recordApplicationData && s.call != nil {
		s.call.complete(down, m.at)
	}
}

// readHello reads the hellos. What they say in the clear is all that is read.
func (s *seal) readHello(w way, p []byte) {
	switch {
	case w == up && s.hello != nil && s.hello.Feed(p):
		if s.hello.ServerName != "" {
			s.blank.Upstream.Host = s.hello.ServerName
		}
		s.http2 = s.hello.HTTP2
		s.hello = nil
	case w == down && s.answer != nil && s.answer.Feed(p):
		s.handshake.tls13 = s.answer.TLS13
		s.answer = nil
	}
}

// isAlert tells whether a record ends the connection: TLS 1.3 hides its type, but
// not its length.
func (s *seal) isAlert(m moment) bool {
	return m.kind == recordAlert ||
		m.kind == recordApplicationData && m.length == sealedAlert && s.handshake.tls13 && s.handshake.finished > 0
}

// wrote reports that what was read from the client was taken by the server.
func (s *seal) wrote(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handshake.trip == 0 {
		s.handshake.asked = at
	}
	if s.call != nil && s.call.head == 0 {
		s.call.written = at
	}
}

// request takes a record of application data from the client.
func (s *seal) request(length int, at tap.Instant) {
	answered := s.call != nil && s.call.head > 0
	switch {
	case length <= controlBound && (s.http2 || answered):
	case s.call == nil || answered:
		s.finish(exchange.OK, "")
		s.call = &sealedCall{start: at, asked: at}
	}
	if s.call != nil {
		s.call.in += int64(length)
	}
}

// response takes a record of application data from the server.
func (s *seal) response(length int, at tap.Instant) {
	switch {
	case s.call == nil:
	case s.sideEnds[up].at > 0:
		s.heard = s.heard || length > controlBound
	default:
		s.call.answer(length, at)
	}
}
