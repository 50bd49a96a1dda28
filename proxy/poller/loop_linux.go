package poller

import (
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batch bounds the events of one look.
	batch = 128
	// maxFollowers bounds the goroutines that wait to lead a loop on. A fresh goroutine would
	// grow its stack first, which costs as much as the short work that it then does.
	maxFollowers = 8
	// interest is the events that the kernel reports of every connection, once each time
	// that they come to be (edge-triggered). Urgent bytes are among them because a read ends
	// before those, see Conn.ReadNow.
	interest = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET
)

// seat is the place of one loop, which lives while it has connections.
type seat struct {
	mu   sync.Mutex
	loop *loop // nil while there is no connection
}

// loop waits for the events of its connections. One goroutine at a time leads it: that
// goroutine waits, and calls the functions of the connections that have something to
// read.
//
// The loop's epoll descriptor is in Go's poller, as a socket would be, so that the leader
// waits as every goroutine does. A thread that waited in the kernel by itself would take
// a processor from Go's scheduler.
type loop struct {
	seat   *seat
	file   *os.File
	raw    syscall.RawConn
	fd     int
	clock  *stampClock
	places places

	events  [batch]unix.EpollEvent
	found   [batch]found
	asked   bool // the present look has asked the kernel before
	pending int  // of found, the first that is not served
	end     int  // of found
	again   []func(*Leader)
	look    func(fd uintptr) bool

	followers chan *Leader // idle goroutines receive the lead here
	idle      chan struct{}
	over      chan struct{}
}

// found is one event.
type found struct {
	conn   *Conn
	events uint32
}

// Leader is the right to lead a loop. The function of a Conn gets it with its call. It
// belongs to the calling goroutine.
type Leader struct {
	loop *loop
	down bool
}

// StepDown hands the loop to another goroutine. A function that the loop has called calls
// StepDown before it waits for anything, or works for long. Only its first call does
// something; on a nil Leader, none does.
func (l *Leader) StepDown() {
	if l == nil || l.down {
		return
	}
	l.down = true
	next := &Leader{loop: l.loop}
	select {
	case l.loop.followers <- next:
	default:
		go next.serve()
	}
}

// Leads tells whether the calling goroutine still leads its loop.
func (l *Leader) Leads() bool { return l != nil && !l.down }

// Later calls f, on the loop, when other connections have had their turn. The caller leads.
func (l *Leader) Later(f func(*Leader)) { l.loop.again = append(l.loop.again, f) }

// open begins the life of a loop. The caller holds s.mu.
func (s *seat) open() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os.NewFile puts it into Go's poller
		_ = unix.Close(fd)
		return nil, err
	}
	l := &loop{
		seat: s, fd: fd, clock: newStampClock(epoch), file: os.NewFile(uintptr(fd), "epoll"),
		followers: make(chan *Leader), idle: make(chan struct{}, maxFollowers), over: make(chan struct{}),
	}
	l.look = l.ask
	if l.raw, err = l.file.SyscallConn(); err != nil {
		_ = l.file.Close()
		return nil, err
	}
	go (&Leader{loop: l}).serve()
	return l, nil
}

// take implements Poller.Take on the loop of s.
func (s *seat) take(tcp *net.TCPConn) (*Conn, bool) {
	fd, ok := duplicate(tcp)
	if !ok {
		return nil, false
	}
	c := newConn(fd, tcp)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loop == nil {
		l, err := s.open()
		if err != nil {
			_ = unix.Close(fd)
			return nil, false
		}
		s.loop = l
	}
	enableStamps(fd)
	c.loop = s.loop
	c.place = s.loop.places.add(c)
	if c.register(unix.EPOLL_CTL_ADD, interest) != nil {
		s.leave(c)
		_ = unix.Close(fd)
		return nil, false
	}
	_ = tcp.Close()
	return c, true
}

// duplicate returns a second descriptor of the socket of tcp: one that Go's poller does
// not know.
func duplicate(tcp *net.TCPConn) (fd int, ok bool) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	failed := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, failed == nil && err == nil
}

// leave takes c out of its loop, and ends the loop with its last connection. The caller
// holds s.mu. A loop that is over has none to leave it.
func (s *seat) leave(c *Conn) {
	l := c.loop
	if l.places.remove(c.place) > 0 {
		return
	}
	s.loop = nil
	close(l.over)
	_ = l.file.Close() // its leader's wait ends
}

// serve leads the loop, and follows when another goroutine leads.
func (l *Leader) serve() {
	loop := l.loop
	for l != nil && loop.lead(l) {
		l = loop.follow()
	}
}

// follow waits for the lead. It returns nil when the goroutine should end.
func (l *loop) follow() *Leader {
	select {
	case l.idle <- struct{}{}:
		defer func() { <-l.idle }()
	default:
		return nil
	}
	select {
	case next := <-l.followers:
		return next
	case <-l.over:
		return nil
	}
}

// lead serves events until the goroutine has stepped down, and returns true then, or
// until the loop is over.
func (l *loop) lead(as *Leader) bool {
	for {
		for l.pending < l.end {
			f := &l.found[l.pending]
			conn, events := f.conn, f.events
			f.conn = nil
			l.pending++
			if conn.happened(events, as); as.down {
				return true
			}
		}
		if !l.goOn(as) {
			return true
		}
		if l.wait() != nil {
			return false
		}
	}
}

// goOn calls the functions that Later has been given before it, and tells whether as still leads.
func (l *loop) goOn(as *Leader) bool {
	for n := len(l.again); n > 0; n-- {
		f := l.again[0]
		l.again = l.again[1:]
		if f(as); as.down {
			return false
		}
	}
	if len(l.again) == 0 {
		l.again = nil
	}
	return true
}

// wait looks for events, and waits for one unless functions of Later are left. Its error
// says that the loop is over.
func (l *loop) wait() error {
	l.asked = false
	err := l.raw.Read(l.look)
	l.places.find(l.events[:l.end], l.found[:l.end])
	return err
}

// ask asks the kernel once, without waiting. It returns false if the leader has to wait.
//
// A loop that finds events at once, time after time, would never give other goroutines
// the processor. So after such a look it lets them go first.
func (l *loop) ask(fd uintptr) bool {
	first := !l.asked
	l.asked = true
	l.pending, l.end = 0, epollNow(fd, l.events[:])
	switch {
	case l.end > 0 && first, l.end == 0 && len(l.again) > 0:
		runtime.Gosched()
		return true
	}
	return l.end > 0
}

// epollNow returns the number of events that are there. It does not announce the call to
// Go's scheduler, because the call does not wait.
func epollNow(fd uintptr, events []unix.EpollEvent) int {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR:
			continue
		}
		return 0
	}
}

// places finds the connection of an event. A place gets a new number each time that a
// connection takes it, so that a late event does not find the next one there. It is safe
// for concurrent use.
type places struct {
	mu    sync.Mutex
	all   []occupant
	free  []uint32
	taken int
}

type occupant struct {
	conn   *Conn // nil: the place is free
	number uint32
}

// place is an index in places, and the number of its connection.
type place struct{ index, number uint32 }

func (p *places) add(c *Conn) place {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.all[i] = occupant{c, p.all[i].number + 1}
		return place{i, p.all[i].number}
	}
	p.all = append(p.all, occupant{conn: c})
	return place{index: uint32(len(p.all) - 1)}
}

// remove returns the number of connections that are left.
func (p *places) remove(at place) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[at.index].conn = nil
	p.free = append(p.free, at.index)
	p.taken--
	return p.taken
}

// find translates events. One whose connection is gone gets none.
func (p *places) find(events []unix.EpollEvent, into []found) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range events {
		e := &events[i]
		into[i] = found{events: e.Events}
		if o := p.all[uint32(e.Fd)]; o.number == uint32(e.Pad) {
			into[i].conn = o.conn
		}
	}
}
