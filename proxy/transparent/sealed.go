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
	blind   bool // the bytes are no TLS, or the timing has failed
	records [2]Records

	// later holds the moments of the server's records until it is full or something else
	// happens. Right after system calls, on cold caches, handling each moment alone would
	// take many times as long.
	later   [12]moment
	waiting int // moments in later

	hello     *Hello // the client's; nil when it is read
	answer    *Hello // the server's; nil when it is read
	http2     bool
	handshake handshake

	observer exchange.Observer
	blank    exchange.Record // the fields that all exchanges of the connection share

	call     *sealedCall // the running exchange
	endSeen  bool        // the last exchange had an end of its own, not silence alone
	sideEnds [2]sideEnd
	first    way  // the side that ended first
	heard    bool // the server went on after the client's end
	drained  bool
	finished []exchange.Record // not reported yet
}

// moment is the begin or the end of one of the server's records, or both.
type moment struct {
	at          tap.Instant
	length      int32
	kind        uint8
	first, last bool
}

// sideEnd is the end of one side's sending side.
type sideEnd struct {
	at      tap.Instant // 0 before the end
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

// saw reads the records in p, which came from w's side at the given moment. The caller
// forwards p afterwards.
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
			s.blind = true // the exchange ends with the connection
			s.note("no_tls_record")
			return
		}
		if piece.Type == recordHandshake {
			s.readHello(w, piece.Data)
		}
		if piece.First || piece.Last {
			s.happened(w, moment{at, int32(piece.Length), piece.Type, piece.First, piece.Last})
		}
	}
}

// happened handles a moment of the client's records, or keeps one of the server's for
// later.
func (s *seal) happened(w way, m moment) {
	if w == up {
		s.sent(m)
		return
	}
	if s.waiting == len(s.later) {
		s.catchUp()
	}
	s.later[s.waiting] = m
	s.waiting++
}

// guard ends the timing after a panic in it; the tunnel goes on.
func (s *seal) guard() {
	if recover() != nil {
		s.blind = true
		s.waiting = 0
		s.note("timing_failed")
	}
}

// catchUp handles the moments in later.
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

// sent handles a moment of the client's records.
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

// received handles a moment of the server's records.
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

// readHello reads the hellos, which are in the clear. The seal reads no other content.
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

// isAlert tells whether a record is an alert, which ends the connection. TLS 1.3 hides
// the type of an alert, but not its length.
func (s *seal) isAlert(m moment) bool {
	return m.kind == recordAlert ||
		m.kind == recordApplicationData && m.length == sealedAlert && s.handshake.tls13 && s.handshake.finished > 0
}

// wrote reports that the server took the client's last bytes.
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

// request handles a record of application data from the client.
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

// response handles a record of application data from the server.
func (s *seal) response(length int, at tap.Instant) {
	switch {
	case s.call == nil:
	case s.sideEnds[up].at > 0:
		s.heard = s.heard || length > controlBound
	default:
		s.call.answer(length, at)
	}
}
