package transparent

import (
	"io"
	"net"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// way is a direction of a tunnel, and the side that sends in it.
type way uint8

const (
	up   way = iota // from the client
	down            // from the server
)

func (w way) other() way { return 1 - w }

// spliceRun is how much goes from socket to socket inside the kernel after a read
// that filled its buffer. Up to there, and between bulk transfers, bytes are copied:
// for a few hundred of them two splices and a pipe cost more than a read and a write.
const spliceRun = 1 << 20

// pump carries bytes one way until they end or the tunnel breaks, and passes on
// how: a FIN as a FIN, a reset as a reset. It begins with what was read already,
// gives the buffer back and closes nothing else.
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
			c.ended(w.other(), false) // nobody takes what was sent
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

// forward writes p and tells whether it was taken. In a sealed tunnel the heads of
// the records are looked at before: when the other direction answers, it must be
// known what it answers.
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

// ended tells the timing that a side has ended what it sends, orderly or not.
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
