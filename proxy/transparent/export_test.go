package transparent

import (
	"net/netip"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Seal is the timing of a sealed connection, which a test drives by hand.
type Seal struct{ s *seal }

// The ways of a connection.
const (
	Up   = up
	Down = down
)

func NewSeal(o exchange.Observer) Seal {
	return Seal{newSeal(&Config{Observer: o}, netip.MustParseAddrPort("192.0.2.1:443"), 0)}
}

func (s Seal) Saw(w way, p []byte, at time.Duration) {
	s.s.saw(w, p, tap.Instant(at))
	if w == up {
		s.s.wrote(tap.Instant(at))
	}
	s.s.report()
}

func (s Seal) Ended(w way, orderly bool, at time.Duration) { s.s.ended(w, orderly, tap.Instant(at)) }
func (s Seal) Expire(at time.Duration)                     { s.s.expire(tap.Instant(at)); s.s.report() }
func (s Seal) Drain(at time.Duration)                      { s.s.drain(tap.Instant(at)); s.s.report() }
func (s Seal) Close(at time.Duration)                      { s.s.close(tap.Instant(at)); s.s.report() }
func (s Seal) Idle() bool                                  { return s.s.isIdle() }

// Dialed is the number of open connections that have an upstream connection.
func (s *Server) Dialed() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		select {
		case <-c.dialed:
			n++
		default:
		}
	}
	return n
}
