package sockets_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

// exhausted is a listener of a process that has no descriptors left for a while. Then it
// accepts some connections, and is closed.
type exhausted struct {
	net.Listener
	failures, connections int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.failures--; e.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	if e.connections--; e.connections < 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func (e *exhausted) Addr() net.Addr { return &net.TCPAddr{} }

// counted serves connections that never end, and counts them.
func counted(begun *int) func(net.Conn) (begin func()) {
	return func(net.Conn) func() {
		return func() { *begun++ }
	}
}

func TestGateSurvivesTheLackOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := sockets.NewGate(0, slog.New(slog.NewTextHandler(&log, nil)))
		l := &exhausted{failures: 1800, connections: 1} // 90 s
		begun := 0
		if err := g.Serve(l, counted(&begun)); err != nil || begun != 1 {
			t.Errorf("%d connections, %v", begun, err)
		}
		if n := strings.Count(log.String(), "too many open files"); n != 2 {
			t.Errorf("%d lines in 90 s, want one a minute:\n%s", n, &log)
		}
	})
}

func TestGateHoldsSurplusClientsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := sockets.NewGate(2, slog.New(slog.NewTextHandler(&log, nil)))
		accepted := 0
		go func() { _ = g.Serve(&exhausted{connections: 5}, counted(&accepted)) }()
		for want := 2; want <= 5; want++ {
			synctest.Wait()
			if accepted != want {
				t.Errorf("%d accepted, want %d", accepted, want)
			}
			time.Sleep(time.Second)
			g.Leave()
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "descriptors allow"); n != 1 || g.Waits() != 4 {
			t.Errorf("%d lines, %d waits, want 1 and 4", n, g.Waits())
		}
	})
}

// TestGateSpreadsABurst: a burst of connections must not take all of the CPU at once.
func TestGateSpreadsABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sockets.NewGate(0, slog.New(slog.DiscardHandler))
		accept := func(n int) time.Duration {
			began := time.Now()
			var all sync.WaitGroup
			all.Add(n)
			if err := g.Serve(&exhausted{connections: n}, func(net.Conn) func() { return all.Done }); err != nil {
				t.Fatal(err)
			}
			all.Wait()
			return time.Since(began)
		}
		if took := accept(64); took != 0 {
			t.Errorf("64 connections waited %v", took)
		}
		if took := accept(1000); took != 250*time.Millisecond {
			t.Errorf("1,000 more took %v, want 250ms", took)
		}
		time.Sleep(16 * time.Millisecond)
		if took := accept(64); took != 0 {
			t.Errorf("64 connections after a rest waited %v", took)
		}
	})
}

func TestRefusedConnectionsTakeNoPlace(t *testing.T) {
	g := sockets.NewGate(1, slog.New(slog.DiscardHandler))
	refused := 0
	for range 3 { // neither does a closed listener
		if err := g.Serve(&exhausted{connections: 2}, func(net.Conn) func() { refused++; return nil }); err != nil {
			t.Error(err)
		}
	}
	if refused != 6 || g.Waits() != 0 {
		t.Errorf("%d refused, %d waits", refused, g.Waits())
	}
}

// broken is a listener that fails for good.
type broken struct{ exhausted }

func (broken) Accept() (net.Conn, error) { return nil, net.ErrWriteToConnected }

func TestGateTellsThatAListenerFails(t *testing.T) {
	g := sockets.NewGate(1, slog.New(slog.DiscardHandler))
	if err := g.Serve(&broken{}, nil); !errors.Is(err, net.ErrWriteToConnected) {
		t.Errorf("got %v", err)
	}
}

func TestSharesLeaveAReserve(t *testing.T) {
	for _, tt := range []struct {
		descriptors   uint64
		clients, idle int
	}{{16, 1, 1}, {64, 7, 2}, {1024, 427, 122}, {1 << 20, 458731, 131066}, {1 << 62, 469762027, 134217722}} {
		if clients, idle := sockets.Shares(tt.descriptors); clients != tt.clients || idle != tt.idle {
			t.Errorf("%d descriptors: %d clients and %d idle, want %d and %d", tt.descriptors, clients, idle, tt.clients, tt.idle)
		}
	}
}
