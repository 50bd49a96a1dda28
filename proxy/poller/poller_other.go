//go:build !linux

package poller

import (
	"net"
	"time"
)

// Conn is a connection of a Poller, which has none here: Take takes none.
type Conn struct{ net.Conn }

// IsOpen is false here.
func (*Conn) IsOpen() bool { return false }

// LastRead is never called here.
func (*Conn) LastRead() (came, read time.Time) { return }

// Splice moves nothing here.
func Splice(_, _ *Conn) error { return nil }

// Leader leads nothing here.
type Leader struct{}

type seat struct{}

func (*seat) take(*net.TCPConn) (*Conn, bool) { return nil, false }

// StepDown does nothing here.
func (*Leader) StepDown() {}

// Leads is false here.
func (*Leader) Leads() bool { return false }

// Later is never called here.
func (*Leader) Later(func(*Leader)) {}
