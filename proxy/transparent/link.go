package transparent

import (
	"errors"
	"io"
	"net"
	"sync"
)

// buffer is the room for one read.
type buffer [16 << 10]byte

// buffers lends the room for reads: links hold none while they wait.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *buffer {
	if p, ok := b.pool.Get().(*buffer); ok {
		return p
	}
	return new(buffer)
}

func (b *buffers) put(p *buffer) { b.pool.Put(p) }

// link is one side of a tunnel. One goroutine may read and another write at the
// same time; not two of a kind.
type link interface {
	net.Conn
	// receive reads once into a buffer that it borrows when there is something to
	// read. The buffer is the caller's to give back, whatever comes of it.
	receive(from *buffers) (*buffer, int, error)
	CloseWrite() error
	// bare is the connection that the link was made of.
	bare() net.Conn
}

// plainLink is a link of any connection. It holds a buffer while it waits.
type plainLink struct{ net.Conn }

func (l plainLink) receive(from *buffers) (*buffer, int, error) {
	b := from.get()
	n, err := l.Read(b[:])
	return b, n, err
}

// CloseWrite ends the sending side or, where there is no such thing, all of it.
func (l plainLink) CloseWrite() error {
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return l.Close()
}

func (l plainLink) bare() net.Conn { return l.Conn }

// SetLinger is that of TCP, and nothing for any other connection.
func (l plainLink) SetLinger(sec int) error {
	if tcp, ok := l.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
