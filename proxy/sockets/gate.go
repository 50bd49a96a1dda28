package sockets

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// complaint is the time from one log line about the same trouble to the next.
	complaint = time.Minute
	// pause is how long a listener waits when the system has no descriptors left.
	pause = 50 * time.Millisecond
	// spacing is the time from the start of one connection to that of the next in a burst,
	// after the first burst ones. A connection with its request costs some 0.2 ms of CPU, so
	// that a burst of thousands takes one core at most, and streams keep their times.
	spacing = 250 * time.Microsecond
	burst   = 64
)

// Gate lets a process hold only so many client connections that descriptors are left for
// the admin port, files and exporters. All listeners for clients share one. A Gate is
// safe for concurrent use.
type Gate struct {
	log  *slog.Logger
	most int // 0: no limit

	mu   sync.Mutex
	room sync.Cond // signals that open has fallen
	open int

	next time.Time // the moment of the next connection if they came evenly; guarded by mu

	waits              atomic.Uint64
	lastFull, lastFail atomic.Int64 // when the log said so, in nanoseconds since 1970
}

// NewGate returns a Gate for so many connections at once; 0 sets no limit.
func NewGate(most int, log *slog.Logger) *Gate {
	g := &Gate{log: log, most: most}
	g.room.L = &g.mu
	return g
}

// Serve accepts connections from l, and returns nil when l is closed. Neither arrived nor
// the function that it returns may block. Serve calls arrived with every connection at
// once, and then begin. The server of the connection calls Leave when that has ended. If
// begin is nil, arrived has refused the connection, and Serve calls Leave.
//
// While the gate is full, clients wait in the kernel's queue. When the system has no
// descriptors left, Serve tries again until it has. Serve spreads a burst: it calls begin
// at once for the first 64 connections, and then for 4,000 a second, on goroutines of
// their own.
func (g *Gate) Serve(l net.Listener, arrived func(net.Conn) (begin func())) error {
	for {
		conn, err := g.accept(l)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if begin := arrived(conn); begin != nil {
			g.start(begin)
		} else {
			g.Leave()
		}
	}
}

// accept waits for a place, and accepts a connection. Its error is one that does not go
// away.
func (g *Gate) accept(l net.Listener) (net.Conn, error) {
	g.enter()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			return conn, nil
		case !isTemporary(err):
			g.Leave()
			return nil, err
		}
		if due(&g.lastFail) {
			g.log.Warn("accepting connections fails; trying again", "address", l.Addr().String(), "err", err)
		}
		time.Sleep(pause) // let some connections end
	}
}

// enter waits for a place and takes it.
func (g *Gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.most > 0 && g.open >= g.most {
		g.waits.Add(1)
		if due(&g.lastFull) {
			g.log.Warn("as many client connections are open as descriptors allow; further ones wait", "open", g.open)
		}
		for g.open >= g.most {
			g.room.Wait()
		}
	}
	g.open++
}

// start calls begin now, or when its turn in a burst has come.
func (g *Gate) start(begin func()) {
	if early := g.early(); early > 0 {
		time.AfterFunc(early, begin)
		return
	}
	begin()
}

// early is how long the next connection of a burst has to wait. It counts that connection.
func (g *Gate) early() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.next.Before(now) {
		g.next = now
	}
	ahead := g.next.Sub(now)
	g.next = g.next.Add(spacing)
	return ahead - (burst-1)*spacing
}

// Leave gives a place back.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.room.Signal()
}

// Waits counts how often a listener had to wait for room.
func (g *Gate) Waits() uint64 { return g.waits.Load() }

// due tells whether complaint has passed since it last returned true for the same moment.
func due(last *atomic.Int64) bool {
	now, before := time.Now().UnixNano(), last.Load()
	return now-before >= int64(complaint) && last.CompareAndSwap(before, now)
}

func isTemporary(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}
