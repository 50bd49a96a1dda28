// Package transparent serves connections that a packet filter has redirected:
// their clients believe that they are connected to where they were going.
//
// The first bytes decide what becomes of a connection. HTTP/1 is handed to the
// proxy, which relays and measures it. TLS is tunnelled sealed: no byte is
// decrypted or changed, and its exchanges are timed from the lengths and moments
// of its records alone. Everything else is tunnelled raw. A server that speaks
// first is heard at once.
package transparent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// headStart is how long a client may take to say its first bytes before its
	// destination is dialed without them. Who speaks HTTP or TLS does so at once, and
	// HTTP is dialed by the proxy; any other server's greeting is this much later.
	headStart = 3 * time.Millisecond
	// defaultSniffWait is long for the rest of a request line and short for a person.
	defaultSniffWait = 50 * time.Millisecond
	// complaint is how often refused loops are logged.
	complaint = time.Minute
)

// Config is what a Server serves with.
type Config struct {
	// HTTP takes over a connection that speaks HTTP/1: it owns what the Arrival holds
	// and may block for as long as the connection lasts. Without it, HTTP is raw.
	HTTP func(Arrival)

	Observer exchange.Observer // is told of sealed exchanges
	Role     exchange.Role
	// SealedTLS says that TLS is timed from its records. Without it, TLS is raw.
	SealedTLS bool

	Dialer         *Dialer       // nil for one of its own
	ConnectTimeout time.Duration // to dial; 0 never cuts
	// SniffWait bounds how long the first bytes of a client are held while they do not
	// tell yet what it speaks; 0 is 50 ms.
	SniffWait time.Duration

	// Original tells where a redirected connection was going. Nil is OriginalDestination.
	Original func(*net.TCPConn) (netip.AddrPort, error)
	Log      *slog.Logger
}

// Arrival is a redirected connection that turned out to speak HTTP/1.
type Arrival struct {
	Conn net.Conn
	Read []byte      // what was read of it
	At   tap.Instant // when
	To   netip.AddrPort
	// Upstream is a connection to To that is open already, because the client took its
	// time; nil when there is none. It is unused.
	Upstream net.Conn
}

// Server serves redirected connections. It is safe for concurrent use.
type Server struct {
	config  Config
	dialer  *Dialer
	buffers buffers

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	open      map[*connection]struct{}
	draining  bool
	empty     chan struct{} // closed when draining and the last connection is gone
	sweeping  bool

	sealed, raw, loops atomic.Uint64
	complained         atomic.Int64 // when a loop was last logged, an Instant; 0 is never
}

// New returns a Server that listens to nothing yet.
func New(c Config) *Server {
	if c.SniffWait == 0 {
		c.SniffWait = defaultSniffWait
	}
	if c.Original == nil {
		c.Original = OriginalDestination
	}
	if c.Dialer == nil {
		c.Dialer = new(Dialer)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		config: c, dialer: c.Dialer,
		listeners: map[net.Listener]struct{}{},
		open:      map[*connection]struct{}{},
		empty:     make(chan struct{}),
	}
}

// Connections counts the tunnels so far, by mode. Connections that were handed to
// Config.HTTP are not among them.
func (s *Server) Connections() map[exchange.Mode]uint64 {
	return map[exchange.Mode]uint64{exchange.Sealed: s.sealed.Load(), exchange.Raw: s.raw.Load()}
}

// Loops counts the connections that were closed because they led back here.
func (s *Server) Loops() uint64 { return s.loops.Load() }

// Open is the number of connections that are open, those handed to Config.HTTP
// not among them.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Serve accepts TCP connections from l until the listener is closed, by Drain or
// by the caller, and returns nil then.
func (s *Server) Serve(l net.Listener) error {
	if !s.listen(l) {
		return l.Close()
	}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.accept(conn, l.Addr())
		case errors.Is(err, net.ErrClosed):
			return nil
		case isTemporary(err):
			s.config.Log.Warn("accepting a redirected connection", "err", err)
			time.Sleep(50 * time.Millisecond) // out of descriptors, say: let some end
		default:
			return err
		}
	}
}

// listen takes l among the listeners that Drain closes, unless it came too late.
func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = struct{}{}
	return !s.draining
}

func isTemporary(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}

// accept serves conn on a goroutine of its own, unless it leads back here.
func (s *Server) accept(conn net.Conn, listener net.Addr) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		s.config.Log.Error("a redirected connection that is not TCP", "network", listener.Network())
		_ = conn.Close()
		return
	}
	to, err := s.config.Original(tcp)
	if err == nil && isOwn(to, listener) {
		err = errLoop
	}
	if err != nil {
		s.refuse(tcp, err)
		return
	}
	c := newConnection(s, tcp, to)
	if s.remember(c) {
		go c.serve()
	}
}

// refuse resets a connection that was not redirected or would come back here.
func (s *Server) refuse(conn net.Conn, why error) {
	s.loops.Add(1)
	now := int64(tap.Now())
	if last := s.complained.Load(); (last == 0 || now-last >= int64(complaint)) && s.complained.CompareAndSwap(last, now) {
		s.config.Log.Warn("refusing connections that lead nowhere but here",
			"from", conn.RemoteAddr().String(), "err", why, "refused", s.loops.Load())
	}
	reset(conn)
}

// remember counts c among those that Drain waits for.
func (s *Server) remember(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		reset(c.client)
		c.cancel()
		return false
	}
	s.open[c] = struct{}{}
	return true
}

func (s *Server) forget(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	s.signalDrained()
}

// signalDrained says that draining is over when it is. s.mu is held.
func (s *Server) signalDrained() {
	if !s.draining || len(s.open) > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// Drain stops accepting, ends the connections that have not said anything and the
// sealed ones between two exchanges, and lets all others finish. When ctx ends first,
// what still runs is cut, sealed exchanges are recorded as drained, and the error is
// ctx's.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for l := range s.listeners {
		_ = l.Close() // its Serve returns
	}
	for c := range s.open {
		c.endIfIdle()
	}
	s.signalDrained()
	s.mu.Unlock()

	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.open {
		c.cut()
	}
	s.mu.Unlock()
	<-s.empty
	return ctx.Err()
}

// sweep looks after the sealed connections once a second while there are any.
func (s *Server) sweep() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.empty:
		}
		seals := s.seals()
		if seals == nil {
			return
		}
		for _, c := range seals {
			c.expire()
		}
	}
}

// seals lists the sealed connections. Without any, the sweeping is over.
func (s *Server) seals() (list []*connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if c.isSealed() {
			list = append(list, c)
			if s.draining {
				c.endIfIdle()
			}
		}
	}
	s.sweeping = list != nil
	return list
}

// startSweeping is called for every sealed connection, when it is among the open.
func (s *Server) startSweeping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sweeping {
		s.sweeping = true
		go s.sweep()
	}
}
