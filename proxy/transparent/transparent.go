// Package transparent serves connections that a packet filter has redirected. Their
// clients believe that they are connected to their original destinations.
//
// The first bytes of a connection decide its mode. The package hands HTTP/1 to the
// proxy, which relays and measures it. It tunnels TLS sealed: it decrypts and changes
// no byte, and times the exchanges by the lengths and moments of their records alone.
// It tunnels everything else raw. When a server speaks first, its bytes pass at once.
package transparent

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// headStart is how long the server waits for a client's first bytes before it dials
	// the destination without them. A client of HTTP or TLS speaks at once, and the proxy
	// dials for HTTP; any other server's greeting is late by headStart.
	headStart = 3 * time.Millisecond
	// defaultSniffWait is long for the rest of a request line and short for a person.
	defaultSniffWait = 50 * time.Millisecond
	// complaint is the time from one log line about refused loops to the next.
	complaint = time.Minute
)

// Config configures a Server.
type Config struct {
	// HTTP takes over a connection that speaks HTTP/1. It owns the connections and the
	// bytes of the Arrival, and must not block. Without HTTP, the Server tunnels HTTP raw.
	HTTP func(Arrival)

	Observer exchange.Observer // gets the Records of sealed exchanges
	Role     exchange.Role
	// SealedTLS makes the Server time TLS by its records. Without it, TLS is raw.
	SealedTLS bool

	Dialer         *sockets.Dialer // nil: the Server makes its own
	ConnectTimeout time.Duration   // for a dial; 0 sets no limit
	Gate           *sockets.Gate   // bounds the connections that Serve accepts; nil sets no limit
	Poller         *poller.Poller  // holds the connections that wait; nil: the Server makes its own
	// SniffWait bounds how long the Server holds the first bytes of a client while they do
	// not tell its protocol; 0 is 50 ms.
	SniffWait time.Duration

	// Goroutines gives every side of a tunnel a goroutine that waits for it, as on systems
	// that package poller does not know.
	Goroutines bool

	// Original returns the original destination of a redirected connection. Nil is
	// OriginalDestination.
	Original func(*net.TCPConn) (netip.AddrPort, error)
	Log      *slog.Logger // nil discards
}

// Arrival is a redirected connection that speaks HTTP/1.
type Arrival struct {
	Conn net.Conn
	Read []byte         // the bytes that the Server has read of it
	At   tap.Instant    // the moment of the last of these reads
	To   netip.AddrPort // the original destination
	// Upstream is an open connection to To that carried no byte yet. The Server opens one
	// when the client does not speak at once; else Upstream is nil.
	Upstream net.Conn
	Ended    func() // HTTP has it called once, when the connection has ended
}

// Server serves redirected connections. It is safe for concurrent use.
type Server struct {
	config  Config
	dialer  *sockets.Dialer
	gate    *sockets.Gate
	poller  *poller.Poller
	buffers buffers

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	open      map[*connection]struct{}
	draining  bool
	empty     chan struct{} // closed when draining and the last connection is gone
	sweeping  bool

	sealed, raw, loops atomic.Uint64
	complained         atomic.Int64 // the moment of the last log line about a loop, an Instant; 0 before
}

// New returns a Server without a listener.
func New(c Config) *Server {
	if c.SniffWait == 0 {
		c.SniffWait = defaultSniffWait
	}
	if c.Original == nil {
		c.Original = OriginalDestination
	}
	if c.Dialer == nil {
		c.Dialer = new(sockets.Dialer)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Gate == nil {
		c.Gate = sockets.NewGate(0, c.Log)
	}
	if c.Poller == nil {
		c.Poller = poller.New()
	}
	return &Server{
		config: c, dialer: c.Dialer, gate: c.Gate, poller: c.Poller,
		listeners: map[net.Listener]struct{}{},
		open:      map[*connection]struct{}{},
		empty:     make(chan struct{}),
	}
}

// Connections counts the tunnels so far, by mode. Connections that Config.HTTP took over
// are not among them.
func (s *Server) Connections() map[exchange.Mode]uint64 {
	return map[exchange.Mode]uint64{exchange.Sealed: s.sealed.Load(), exchange.Raw: s.raw.Load()}
}

// Loops counts the connections that the Server refused because they led back to headway.
func (s *Server) Loops() uint64 { return s.loops.Load() }

// Open is the number of open connections, without those that Config.HTTP took over.
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
	return s.gate.Serve(l, func(conn net.Conn) (begin func()) {
		if c := s.arrived(conn, l.Addr()); c != nil {
			return c.begin
		}
		return nil
	})
}

// listen adds l to the listeners that Drain closes. It returns false when draining has
// begun.
func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = struct{}{}
	return !s.draining
}

// arrived returns conn as the Server sees it, or nil after it has refused conn.
func (s *Server) arrived(conn net.Conn, listener net.Addr) *connection {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		s.config.Log.Error("a redirected connection that is not TCP", "network", listener.Network())
		_ = conn.Close()
		return nil
	}
	to, err := s.config.Original(tcp)
	if err == nil && isOwn(to, listener) {
		err = errLoop
	}
	if err != nil {
		s.refuse(tcp, err)
		return nil
	}
	c := newConnection(s, tcp, to)
	if !s.remember(c) {
		return nil
	}
	return c
}

// newLink returns a link with the socket of conn.
func (s *Server) newLink(conn net.Conn) *link {
	l := &link{Conn: conn}
	if s.config.Goroutines {
		return l
	}
	if taken, ok := s.poller.Take(conn); ok {
		l.Conn = taken
	}
	l.wire, _ = l.Conn.(wire)
	return l
}

// refuse resets a connection that no packet filter has redirected, or whose destination
// is headway.
func (s *Server) refuse(conn net.Conn, why error) {
	s.loops.Add(1)
	now := int64(tap.Now())
	if last := s.complained.Load(); (last == 0 || now-last >= int64(complaint)) && s.complained.CompareAndSwap(last, now) {
		s.config.Log.Warn("refusing connections that lead nowhere but here",
			"from", conn.RemoteAddr().String(), "err", why, "refused", s.loops.Load())
	}
	reset(conn)
}

// remember counts c among the connections that Drain waits for. While s drains, it
// resets c and returns false.
func (s *Server) remember(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		reset(c.client.Conn)
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

// signalDrained closes s.empty when s drains and has no connection left. The caller
// holds s.mu.
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

// Drain stops accepting, ends the connections on which neither side has sent anything
// and the sealed ones between two exchanges, and lets all others finish. When ctx ends
// first, Drain cuts the connections that are left, records their sealed exchanges as
// drained and returns ctx's error.
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

// sweep ends the silent exchanges of sealed connections, once a second while there are
// any.
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

// seals lists the sealed connections, or ends the sweeping when there are none.
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

// startSweeping makes sure that sweep runs. The caller has added a sealed connection to
// s.open.
func (s *Server) startSweeping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sweeping {
		s.sweeping = true
		go s.sweep()
	}
}
