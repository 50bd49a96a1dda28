package transparent

import (
	"io"
	"net"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// way is a direction of a tunnel, and the side that sends in that direction.
type way uint8

const (
	up   way = iota // from the client
	down            // from the server
)

func (w way) other() way { return 1 - w }

// spliceRun is how many bytes the kernel moves from socket to socket after a read that
// has filled its buffer. Otherwise pump copies: for a few hundred bytes, two splices and
// a pipe cost more than a read and a write.
const spliceRun = 1 << 20

// pump carries bytes one way until they end or the tunnel breaks. It passes a FIN on as
// a FIN and a reset as a reset. It begins with the n bytes in b and the error err of the
// read before, and returns b to the Server's buffers.
func (c *connection) pump(w way, b *buffer, n int, err error) {
	src, dst := c.client, c.upstream
	if w == down {
		src, dst = dst, src
	}
	for {
		bulk := n == len(b) && c.seal == nil
		broken := n > 0 && !c.forward(w, dst, b[:n])
		c.server.buffers.put(b)
		if err == nil && bulk && !broken {
			err = splice(dst, src)
		}
		switch {
		case broken:
			c.ended(w.other(), false) // the other side takes no more bytes
			c.abort()
			return
		case isEOF(err):
			c.ended(w, true)
			_ = dst.CloseWrite()
			return
		case err != nil:
			c.ended(w, false)
			c.abort()
			return
		}
		b, n, err = src.receive(&c.server.buffers)
	}
}

// forward writes p and tells whether dst took it. In a sealed tunnel the seal reads the
// heads of the records before the write, because it has to know a request before it sees
// the response.
func (c *connection) forward(w way, dst net.Conn, p []byte) bool {
	if c.seal == nil {
		_, err := dst.Write(p)
		return err == nil
	}
	c.seal.saw(w, p, tap.Now())
	_, err := dst.Write(p)
	if w == up {
		c.seal.wrote(tap.Now())
		c.seal.report()
	}
	return err == nil
}

// ended tells the seal that a side has ended its sending side, orderly or not.
func (c *connection) ended(w way, orderly bool) {
	if c.seal != nil {
		c.seal.ended(w, orderly, tap.Now())
	}
}

// splice carries up to spliceRun bytes, in the kernel where it can. The error is
// io.EOF at the end of src.
func splice(dst, src link) error {
	to, ok := dst.bare().(io.ReaderFrom)
	if !ok {
		return nil
	}
	n, err := to.ReadFrom(io.LimitReader(src.bare(), spliceRun))
	if err == nil && n < spliceRun {
		return io.EOF
	}
	return err
}
