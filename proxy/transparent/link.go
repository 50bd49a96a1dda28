package transparent

import (
	"errors"
	"io"
	"net"
	"sync"
)

// buffer is the buffer for one read.
type buffer [16 << 10]byte

// buffers lends buffers for reads, so that a link holds none while it waits.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *buffer {
	if p, ok := b.pool.Get().(*buffer); ok {
		return p
	}
	return new(buffer)
}

func (b *buffers) put(p *buffer) { b.pool.Put(p) }

// link is one side of a tunnel. One goroutine may read while another writes; two must
// not read, nor write, at once.
type link interface {
	net.Conn
	// receive reads once, into a buffer that it borrows when there are bytes to read. The
	// caller returns the buffer, after an error too.
	receive(from *buffers) (*buffer, int, error)
	CloseWrite() error
	// bare is the connection below the link.
	bare() net.Conn
}

// plainLink is a link of any connection. It holds a buffer while it waits.
type plainLink struct{ net.Conn }

func (l plainLink) receive(from *buffers) (*buffer, int, error) {
	b := from.get()
	n, err := l.Read(b[:])
	return b, n, err
}

// CloseWrite ends the sending side, or closes a connection that cannot end one side
// alone.
func (l plainLink) CloseWrite() error {
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return l.Close()
}

func (l plainLink) bare() net.Conn { return l.Conn }

// SetLinger sets the linger time of a TCP connection; on any other it does nothing.
func (l plainLink) SetLinger(sec int) error {
	if tcp, ok := l.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
