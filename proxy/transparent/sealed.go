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
	observer exchange.Observer
	blank    exchange.Record // what all exchanges of the connection have in common

	mu        sync.Mutex
	hello     *Hello // the client's, until it was read
	answer    *Hello // the server's, likewise
	http2     bool
	records   [2]Records // by way
	handshake handshake
	blind     bool // what passes is no TLS, or the timing has failed

	call     *sealedCall // under way
	settled  bool        // the last one was seen to end
	endings  [2]sealedEnding
	first    way  // the side that ended first
	heard    bool // the server went on after the client's end
	drained  bool
	finished []exchange.Record // not told yet
}

// sealedEnding is the end of what one side sends.
type sealedEnding struct {
	at      tap.Instant // 0 before
	orderly bool
	alert   bool // with a record of its own
}

func newSeal(c *Config, to netip.AddrPort, at tap.Instant) *seal {
	return &seal{
		observer: c.Observer,
		hello:    new(Hello),
		answer:   new(Hello),
		settled:  true,
		blank: exchange.Record{
			Start: at.Time(), Origin: c.Origin, Role: c.Role, Mode: exchange.Sealed,
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
	for len(p) > 0 {
		var piece Piece
		var err error
		if piece, p, err = s.records[w].Next(p); err != nil {
			s.blind = true // and its exchange ends with the connection
			s.note("no_tls_record")
			return
		}
		if piece.First || piece.Last || piece.Type == recordHandshake {
			s.piece(w, piece, at)
		}
	}
}

// guard ends the timing after a panic in it; the tunnel goes on.
func (s *seal) guard() {
	if recover() != nil {
		s.blind = true
		s.note("timing_failed")
	}
}

func (s *seal) piece(w way, p Piece, at tap.Instant) {
	if p.Type == recordHandshake {
		s.greet(w, p.Data)
	}
	switch {
	case p.Type == 0: // of a head that is not whole yet
	case p.First && s.isAlert(p):
		s.end(w, sealedEnding{at: at, orderly: true, alert: true})
	case p.First && w == up:
		if s.handshake.client(p.Type, p.Length, at) {
			s.request(p.Length, at)
		}
	case p.First:
		if s.handshake.server(p.Type, p.Length, at, s.http2, s.call != nil && s.call.head > 0) {
			s.response(p.Length, at)
		}
	}
	if p.Last && p.Type == recordApplicationData && s.call != nil {
		s.call.complete(w, at)
	}
}

// greet reads the hellos. What they say in the clear is all that is read.
func (s *seal) greet(w way, p []byte) {
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
func (s *seal) isAlert(p Piece) bool {
	return p.Type == recordAlert ||
		p.Type == recordApplicationData && p.Length == sealedAlert && s.handshake.tls13 && s.handshake.finished > 0
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
	case s.endings[up].at > 0:
		s.heard = s.heard || length > controlBound
	default:
		s.call.answer(length, at)
	}
}

// ended reports that w's side sends nothing more.
func (s *seal) ended(w way, orderly bool, at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(w, sealedEnding{at: at, orderly: orderly})
}

// end books the end of a side, once.
func (s *seal) end(w way, e sealedEnding) {
	if s.endings[w].at > 0 {
		return
	}
	if s.endings[w.other()].at == 0 {
		s.first = w
	}
	s.endings[w] = e
}

// expire ends the exchange if the server has been silent for long enough.
func (s *seal) expire(now tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.call
	if c == nil || c.head == 0 || s.endings[up].at > 0 || s.endings[down].at > 0 {
		return
	}
	switch quiet := now.Sub(c.last); {
	case c.concluded && quiet > silenceAfterEnd:
		s.finish(exchange.OK, "")
	case quiet > silence:
		s.note("ended_by_silence")
		s.finish(exchange.OK, "")
		s.settled = false
	}
}

// isIdle tells whether nothing is under way, and nothing can be.
func (s *seal) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call == nil && s.settled && !s.blind
}

// drain ends the exchange because headway must stop.
func (s *seal) drain(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drained = true
	s.judge(at)
}

// close ends what the connection's end ends.
func (s *seal) close(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge(at)
}

// undialed books a connection that could not be opened for what the client began
// with, and tells it.
func (s *seal) undialed(p []byte, at tap.Instant, timeout bool) {
	s.saw(up, p, at)
	s.mu.Lock()
	s.call = &sealedCall{start: at, asked: at}
	if timeout {
		s.fail(exchange.ConnectError, exchange.ErrTimeout, at)
	} else {
		s.fail(exchange.ConnectError, exchange.ErrConnection, at)
	}
	s.mu.Unlock()
	s.tell()
}

// judge ends the exchange with what can be told of its outcome.
func (s *seal) judge(at tap.Instant) {
	c := s.call
	if c == nil {
		return
	}
	if ending := s.endings[s.first]; ending.at > 0 {
		at = ending.at
	}
	client, server := s.endings[up], s.endings[down]
	switch {
	case c.concluded:
		s.finish(exchange.OK, "")
	case s.drained:
		s.fail(exchange.Drained, exchange.ErrDraining, at)
	case c.head == 0 && s.first == down:
		s.fail(exchange.ConnectError, exchange.ErrConnection, at)
	case s.first == up && (c.head == 0 || s.heard || client.at > 0 && !client.orderly):
		s.fail(exchange.ClientGone, exchange.ErrCanceled, at)
	case s.first == down && !(server.orderly && server.alert) && at.Sub(c.last) < idleBefore:
		s.fail(exchange.UpstreamCut, exchange.ErrTruncated, at)
	default:
		s.finish(exchange.OK, "")
	}
}

// fail is finish for an exchange that broke off at the given moment.
func (s *seal) fail(outcome exchange.Outcome, why exchange.ErrorType, at tap.Instant) {
	s.call.last = max(at, s.call.start)
	s.finish(outcome, why)
}

// finish makes the Record of the exchange, if one is under way.
func (s *seal) finish(outcome exchange.Outcome, why exchange.ErrorType) {
	if s.call == nil {
		return
	}
	r := s.blank
	s.call.fill(&r)
	r.Outcome, r.ErrorType = outcome, why
	notes := r.Notes
	for _, n := range []struct {
		is   bool
		name string
	}{
		{s.http2, "http2_offered"}, {s.handshake.early, "tls_early_data"}, {s.handshake.uncertain, "tls_handshake_uncertain"},
	} {
		if n.is {
			notes = append(notes[:len(notes):len(notes)], n.name)
		}
	}
	r.Notes = notes
	s.finished = append(s.finished, r)
	s.call, s.settled = nil, true
}

// note keeps an oddity for this exchange and those that follow.
func (s *seal) note(name string) {
	s.blank.Notes = append(s.blank.Notes[:len(s.blank.Notes):len(s.blank.Notes)], name)
}

// tell tells the observer of the exchanges that have ended.
func (s *seal) tell() {
	s.mu.Lock()
	list := s.finished
	s.finished = nil
	s.mu.Unlock()
	for _, r := range list {
		s.observer.Observe(r)
	}
}
