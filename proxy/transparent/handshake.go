package transparent

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// Lengths of TLS 1.3 records by which their content shows: encryption adds a byte for
// the type and a tag of 16 bytes (RFC 8446, section 5.2).
const (
	sealedAlert       = 2 + 17
	sealedFinished256 = 4 + 32 + 17 // with SHA-256
	sealedFinished384 = 4 + 48 + 17
)

const (
	// maxFlight is the largest number of records of a client's certificate, its proof and
	// Finished.
	maxFlight = 3
	// maxTicket bounds the length of a NewSessionTicket, maxTickets their number.
	maxTicket  = 512
	maxTickets = 4
	// maxSettings bounds the frames with which an HTTP/2 server begins.
	maxSettings = 100
	// ticketGrace is the time that a server may take for its tickets after the client's
	// Finished, beside two round trips.
	ticketGrace = 10 * time.Millisecond
)

// handshake tells the records of the handshake, session tickets included, from
// application data. Up to TLS 1.2 the types of the records do that. In TLS 1.3 all
// records after the ServerHello have the type of application data.
type handshake struct {
	tls13     bool // as the ServerHello says
	early     bool // the client has sent data with its hello
	uncertain bool // the end of the client's flight is a guess

	asked tap.Instant   // when the server took the ClientHello
	trip  time.Duration // from there to the first record of the server

	flight   int         // records of the client's encrypted flight
	finished tap.Instant // the end of that flight, in TLS 1.3; 0 before

	ticket  int // length of the first NewSessionTicket
	tickets int
}

// client tells whether a record of the client is application data.
func (h *handshake) client(kind uint8, length int, at tap.Instant) bool {
	switch {
	case kind != recordApplicationData:
		return false
	case h.trip == 0: // the server has not answered the hello yet
		h.early = true
		return true
	case !h.tls13 || h.finished > 0:
		return true
	}
	h.flight++
	switch {
	case length == sealedFinished256 || length == sealedFinished384:
		h.finished = at
	case h.flight > maxFlight:
		h.finished, h.uncertain = at, true
		return true
	}
	return false
}

// server tells whether a record of the server is application data. Before the response
// has begun, a record that looks like a session ticket counts as one.
func (h *handshake) server(kind uint8, length int, at tap.Instant, http2, begun bool) bool {
	if h.trip == 0 {
		h.trip = max(1, at.Sub(h.asked))
	}
	switch {
	case kind != recordApplicationData:
		return false
	case h.tls13 && h.finished == 0:
		if h.flight > 0 {
			h.finished, h.uncertain = at, true // Finished was in a record with others
		}
		return false
	}
	return begun || !h.isAside(length, at, http2)
}

// isAside tells whether a record soon after the handshake is a session ticket or the
// settings of an HTTP/2 server. The tickets of one server have one length.
func (h *handshake) isAside(length int, at tap.Instant, http2 bool) bool {
	since := h.finished
	if !h.tls13 {
		since = h.asked + tap.Instant(h.trip)
	}
	switch {
	case at.Sub(since) > 2*h.trip+ticketGrace:
		return false
	case http2 && length <= maxSettings:
		return true
	case !h.tls13 || length > maxTicket || h.tickets == maxTickets:
		return false
	case h.tickets == 0:
		h.ticket = length
	case h.ticket != length:
		return false
	}
	h.tickets++
	return true
}
