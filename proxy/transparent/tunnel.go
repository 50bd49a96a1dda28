package transparent

import (
	"errors"
	"io"

	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// way is a direction of a tunnel, and the side that sends in that direction.
type way uint8

const (
	up   way = iota // from the client
	down            // from the server
)

func (w way) other() way { return 1 - w }

// pump carries bytes one way until they end, the tunnel breaks or their side is parked.
func (c *connection) pump(w way) sequence {
	src := c.side(w)
	for {
		b, n, err := src.receive(&c.server.buffers)
		if errors.Is(err, errParked) {
			return leaves
		}
		more := c.carry(w, b[:n], err)
		c.server.buffers.put(b)
		if more && src.flood && c.seal == nil {
			more = c.carry(w, nil, c.splice(w))
		}
		if !more {
			return ends
		}
	}
}

// carry carries the bytes p of a read one way, and then its error err. It passes a FIN on
// as a FIN and a reset as a reset. It tells whether more may follow.
func (c *connection) carry(w way, p []byte, err error) bool {
	switch {
	case len(p) > 0 && !c.forward(w, p):
		c.ended(w.other(), false) // the other side takes no more bytes
		c.abort()
		return false
	case errors.Is(err, io.EOF):
		c.ended(w, true)
		c.side(w.other()).endWriting()
		return false
	case err != nil:
		c.ended(w, false)
		c.abort()
		return false
	}
	return true
}

// splice carries the bytes that wait behind a read that has filled its buffer, inside the
// kernel if it can. Otherwise pump copies: for a few hundred bytes, two splices and a pipe
// cost more than a read and a write. Splice steps down, because it waits for room.
func (c *connection) splice(w way) error {
	from, can := c.side(w).Conn.(*poller.Conn)
	to, too := c.side(w.other()).Conn.(*poller.Conn)
	if !can || !too {
		return nil
	}
	c.side(w).leader.StepDown()
	c.side(w).flood = false
	return poller.Splice(to, from)
}

// side is the link of the side that sends in a direction.
func (c *connection) side(w way) *link {
	if w == up {
		return c.client
	}
	return c.upstream
}

// forward writes p and tells whether the other side took it. In a sealed tunnel the seal
// reads the heads of the records before the write, because it has to know a request before
// it sees the response.
func (c *connection) forward(w way, p []byte) bool {
	src, dst := c.side(w), c.side(w.other())
	if c.seal == nil {
		return dst.write(p, src.leader) == nil
	}
	c.seal.saw(w, p, tap.Now())
	err := dst.write(p, src.leader)
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
