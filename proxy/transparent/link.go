package transparent

import (
	"errors"
	"net"
	"sync"

	"github.com/headway-sidecar/headway/proxy/poller"
)

// buffer is the buffer for one read.
type buffer [MaxSniff]byte

// buffers lends buffers for reads, so that a link holds none while it waits.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *buffer {
	if p, ok := b.pool.Get().(*buffer); ok {
		return p
	}
	return new(buffer)
}

func (b *buffers) put(p *buffer) { b.pool.Put(p) }

// wire is a connection that can be parked: a *poller.Conn. Where package poller takes no
// connection there is none, and a goroutine waits in every read.
type wire interface {
	net.Conn
	ReadNow(p []byte) (int, error)
	WriteNow(p []byte) (int, error)
	Park(f func(*poller.Leader)) bool
}

// link is the connection to one side of a tunnel. Its fields belong to the goroutine that
// is in resume; any other may write to the connection, one at a time.
type link struct {
	net.Conn
	wire   wire                 // Conn, or nil if it cannot be parked
	resume func(*poller.Leader) // reads on
	leader *poller.Leader       // of the goroutine in resume

	begun bool // the first bytes, or the end, have come
	flood bool // the last read filled its buffer
}

// errParked is the error of a read that has parked its link, which has a further call of
// resume when there is something to read.
var errParked = errors.New("parked")

// begin begins to read from the link: when its first bytes have come, if it can be parked.
func (l *link) begin() {
	if l.wire == nil || !l.wire.Park(l.resume) {
		go l.resume(nil)
	}
}

// receive reads once, into a buffer that the caller returns, after an error too. Instead
// of waiting it parks the link, if it can: then the error is errParked, there is no
// buffer, and the caller touches the link no more. After a read that has filled its buffer
// it lets other connections go first.
func (l *link) receive(from *buffers) (b *buffer, n int, err error) {
	if l.flood && l.wire != nil && l.leader.Leads() {
		l.flood = false
		l.leader.Later(l.resume)
		return nil, 0, errParked
	}
	b = from.get()
	for {
		if n, err = l.readNow(b[:]); !errors.Is(err, poller.ErrWait) {
			l.flood = n == len(b)
			return b, n, err
		}
		if l.wire.Park(l.resume) {
			from.put(b)
			return nil, 0, errParked
		}
	}
}

func (l *link) readNow(p []byte) (int, error) {
	if l.wire == nil {
		return l.Read(p)
	}
	return l.wire.ReadNow(p)
}

// write writes all of p. Before it waits, the calling goroutine steps down from the loop
// that it may lead.
func (l *link) write(p []byte, leader *poller.Leader) error {
	n := 0
	if l.wire != nil {
		var err error
		if n, err = l.wire.WriteNow(p); err == nil || !errors.Is(err, poller.ErrWait) {
			return err
		}
		leader.StepDown()
	}
	_, err := l.Write(p[n:])
	return err
}

// endWriting ends the sending side, or closes a connection that cannot end one side alone.
func (l *link) endWriting() {
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = l.Close()
}
