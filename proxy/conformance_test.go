package proxy_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestConformance holds every conversation twice between the same two raw sockets:
// directly and through headway. It compares the bytes that each side received, and how
// the client's connection ended. A case names the bytes that RFC 9110 and RFC 9112 have
// a proxy change; no other byte may differ.
//
// docs/fidelity.md holds the table; -update writes it.
func TestConformance(t *testing.T) {
	var table strings.Builder
	for _, c := range append(conversations(), conversationsOfPairs()...) {
		cells := map[string]string{"explicit": "—"}
		t.Run(c.name, func(t *testing.T) {
			server := listen(t)
			direct := c.play(t, server, server.Addr().String(), server.Addr().String())
			for _, way := range c.ways() {
				f, address := way.open(t, server.Addr().String())
				through := c.play(t, server, address, server.Addr().String())
				f.stopNow()
				touched, why := c.touched(way.name)
				compare(t, way.name+": server", through.server, touched.request.of(direct.server))
				compare(t, way.name+": client", through.client, touched.response.of(direct.client))
				compare(t, way.name+": the client's connection", through.ending, touched.ending.of(direct.ending))
				cells[way.name] = why
			}
		})
		row := fmt.Sprintf("| %s | %s | %s |\n", c.name, cells["explicit"], cells["transparent"])
		t.Log(row)
		table.WriteString(row)
	}
	if !t.Failed() && !strings.Contains(table.String(), "|  |") { // -run left a case out
		goldenPage(t, "../docs/fidelity.md", table.String())
	}
}

var update = flag.Bool("update", false, "write the table of docs/fidelity.md")

// goldenPage compares the table in a page, between its two marks, with want.
func goldenPage(t *testing.T, path, want string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- TestConformance writes what follows -->\n", "<!-- and no more -->"
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has lost its marks", path)
	}
	whole := before + begin + "| conversation | explicit | transparent |\n| --- | --- | --- |\n" + want + end + after
	if *update {
		err = os.WriteFile(path, []byte(whole), 0o644)
	} else if whole != string(page) {
		t.Errorf("%s differs from the suite: run it with -update", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// way is one of the ways by which a connection reaches headway.
type way struct {
	name string
	open func(t *testing.T, upstream string) (f *fixture, address string)
}

var throughHeadway = []way{
	{"transparent", func(t *testing.T, upstream string) (*fixture, string) {
		f := newFixture(t, "http://"+upstream)
		return f, f.redirect(upstream)
	}},
	{"explicit", func(t *testing.T, upstream string) (*fixture, string) {
		f := newFixture(t, "http://"+upstream)
		return f, f.addr
	}},
}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-60)
	t.Errorf("%s differs at byte %d:\ngot  …%.300q (%d bytes)\nwant …%.300q (%d bytes)", what, at, got[from:], len(got), want[from:], len(want))
}

// conversation is a sequence of steps that two ends make.
type conversation struct {
	name  string
	pair  bool // for transparent mode only
	steps []step
	touch []touch
}

// touch lists the changes that headway makes to a conversation on one way, and the
// rule behind them. Without a touch headway changes nothing.
type touch struct {
	way      string // empty: every way
	why      string
	request  edit // of the bytes that the server receives
	response edit // of the bytes that the client receives
	ending   edit // of the end of the client's connection
}

// edit replaces pieces of text, in pairs of old and new.
type edit []string

func (e edit) of(s string) string {
	for i := 0; i < len(e); i += 2 {
		if !strings.Contains(s, e[i]) {
			return fmt.Sprintf("%q is not in the direct conversation", e[i])
		}
	}
	return strings.NewReplacer(e...).Replace(s)
}

// ways are the ways through headway on which c is possible.
func (c *conversation) ways() []way {
	if c.pair {
		return throughHeadway[:1]
	}
	return throughHeadway
}

func (c *conversation) touched(way string) (touch, string) {
	for _, t := range c.touch {
		if t.way == "" || t.way == way {
			return t, t.why
		}
	}
	return touch{}, "identical"
}

// step is one action of one end, after it has received the other end's last bytes.
type step struct {
	by   side
	says string
	does func(net.Conn)
	anew bool // the client opens another connection for the step
	deaf bool // the end does not wait for the other end's bytes
	each int  // the server answers so many requests, each as soon as it has come
	last bool // the end only waits until the other one has ended its side
}

type side int

const (
	client side = iota
	server
)

func says(by side, s string) step            { return step{by: by, says: s} }
func does(by side, what func(net.Conn)) step { return step{by: by, does: what} }
func unasked(by side, s string) step         { return step{by: by, says: s, deaf: true} }
func anew(s string) step                     { return step{by: client, says: s, anew: true} }
func answers(n int, s string) step           { return step{by: server, says: s, each: n} }
func hearsEnd(by side) step                  { return step{by: by, last: true} }

func listens(net.Conn)      {}
func pauses(net.Conn)       { time.Sleep(5 * time.Millisecond) } // so that the bytes before it go alone
func closes(c net.Conn)     { _ = c.Close() }
func halfCloses(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }
func resets(c net.Conn)     { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }

// heard is what both ends received in a conversation.
type heard struct {
	server, client string
	ending         string // of the client's last connection
}

// play holds the conversation between a client that dials address and a server that
// accepts from l. Host is the server's name in requests.
func (c *conversation) play(t *testing.T, l net.Listener, address, host string) heard {
	t.Helper()
	ends := [2]*end{client: newEnd(), server: newEnd()}
	stop := ends[server].accept(l)
	defer ends[client].close()
	defer ends[server].close()
	ends[client].dial(t, address)
	for i, s := range c.steps {
		if s.anew {
			ends[client].dial(t, address)
		}
		if i > 0 && c.steps[i-1].by != s.by && !s.deaf && !ends[s.by].await(tailOf(c.steps[i-1])) {
			t.Fatalf("step %d: the bytes before it never came; the end has received %.400q", i, ends[s.by].text())
		}
		s.do(t, ends[s.by], host)
	}
	last := c.steps[len(c.steps)-1]
	if other := ends[1-last.by]; !other.await(tailOf(last)) {
		t.Fatalf("the last bytes never came; the end has received %.400q", other.text())
	}
	ending := ends[client].ending()
	stop()
	ends[client].close()
	ends[server].close()
	return heard{server: ends[server].text(), client: ends[client].text(), ending: ending}
}

// do makes one step at e.
func (s step) do(t *testing.T, e *end, host string) {
	t.Helper()
	switch {
	case s.does != nil:
		s.does(e.latest())
		return
	case s.last:
		if !e.until(func(string) bool { return e.over == "FIN" }) {
			t.Fatalf("the other side's end never came; it was %q", e.over)
		}
		return
	}
	for n := range max(1, s.each) {
		if s.each > 0 && !e.awaitRequests(n+1) {
			t.Fatalf("request %d never came; the server has received %.400q", n+1, e.text())
		}
		// A peer that headway has turned away may be gone.
		_, _ = io.WriteString(e.latest(), strings.ReplaceAll(s.says, "SERVER", host))
	}
}

// tailOf is the last bytes of s: the other end has all of s when it has them.
func tailOf(s step) string { return s.says[max(0, len(s.says)-4):] }

// end is one side's sockets and the bytes that came to them.
type end struct {
	mu      sync.Mutex
	changed *sync.Cond
	conns   []net.Conn
	last    net.Conn // the one with the latest bytes, or the newest
	all     strings.Builder
	known   int // how many bytes of all the steps so far have waited for
	over    string
	readers sync.WaitGroup
}

func newEnd() *end {
	e := &end{}
	e.changed = sync.NewCond(&e.mu)
	return e
}

func (e *end) dial(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	e.add(conn)
}

// accept accepts connections from l until the caller calls stop.
func (e *end) accept(l net.Listener) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.add(conn)
		}
	}()
	return func() {
		_ = l.(*net.TCPListener).SetDeadline(time.Unix(1, 0))
		<-done
		_ = l.(*net.TCPListener).SetDeadline(time.Time{})
	}
}

func (e *end) add(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	e.mu.Lock()
	e.conns, e.last, e.over = append(e.conns, conn), conn, ""
	e.mu.Unlock()
	e.readers.Go(func() { e.hear(conn) })
}

func (e *end) hear(conn net.Conn) {
	p := make([]byte, 64<<10)
	for {
		n, err := conn.Read(p)
		e.mu.Lock()
		if n > 0 {
			e.last = conn
			e.all.Write(p[:n])
		}
		if err != nil && e.last == conn {
			e.over = endingOf(err)
		}
		e.changed.Broadcast()
		e.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func endingOf(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "FIN"
	case errors.Is(err, syscall.ECONNRESET):
		return "RST"
	case errors.Is(err, net.ErrClosed):
		return "closed itself"
	}
	return "open"
}

// await waits until new bytes have come that end with tail. With an empty tail it does
// not wait.
func (e *end) await(tail string) bool {
	return tail == "" || e.until(func(all string) bool { return len(all) > e.known && strings.HasSuffix(all, tail) })
}

// awaitRequests waits until n heads have come.
func (e *end) awaitRequests(n int) bool {
	return e.until(func(all string) bool { return strings.Count(all, "\r\n\r\n") >= n })
}

func (e *end) until(heard func(all string) bool) bool {
	timeout := time.AfterFunc(patience/4, e.changed.Broadcast)
	defer timeout.Stop()
	until := time.Now().Add(patience / 4)
	e.mu.Lock()
	defer e.mu.Unlock()
	for !heard(e.all.String()) {
		if time.Now().After(until) {
			return false
		}
		e.changed.Wait()
	}
	e.known = e.all.Len()
	return true
}

// ending waits a moment for the connection to end, and says how it ended.
func (e *end) ending() string {
	const moment = 60 * time.Millisecond
	timeout := time.AfterFunc(moment, e.changed.Broadcast)
	defer timeout.Stop()
	until := time.Now().Add(moment)
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.over == "" && time.Now().Before(until) {
		e.changed.Wait()
	}
	if e.over == "" {
		return "open"
	}
	return e.over
}

func (e *end) latest() net.Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func (e *end) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all.String()
}

func (e *end) close() {
	for _, c := range e.conns {
		_ = c.Close()
	}
	e.readers.Wait()
}
