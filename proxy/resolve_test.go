package proxy_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// nameServer answers every question for a name's addresses with those that a test sets.
type nameServer struct {
	mu        sync.Mutex
	addresses []netip.Addr
	broken    bool
}

func (s *nameServer) set(addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses = nil
	for _, a := range addresses {
		s.addresses = append(s.addresses, netip.MustParseAddr(a))
	}
}

// fail makes every lookup fail, or lets lookups succeed again.
func (s *nameServer) fail(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = yes
}

// newNameServer starts a nameServer, and returns it with a resolver that asks it.
func newNameServer(t *testing.T, addresses ...string) (*nameServer, *net.Resolver) {
	t.Helper()
	s := new(nameServer)
	s.set(addresses...)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		p := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(p)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(s.answer(p[:n]), from)
		}
	}()
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer answers a question (RFC 1035, section 4.1).
func (s *nameServer) answer(query []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	name := string(query[12:end])
	flags := []byte{0x81, 0x80}
	switch {
	case s.broken:
		flags[1] |= 2 // server failure
	case name != "\x05model\x04test":
		flags[1] |= 3 // there is no such name
	}
	reply := append(append([]byte{}, query[:2]...), flags...)
	reply = append(reply, 0, 1, 0, 0, 0, 0, 0, 0)
	reply = append(reply, query[12:end+5]...)
	if flags[1] != 0x80 {
		return reply
	}
	for _, a := range s.addresses {
		if raw := a.AsSlice(); (kind == 1 && a.Is4()) || (kind == 28 && a.Is6()) {
			reply[7]++
			reply = append(reply, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
			reply = append(reply, raw...)
		}
	}
	return reply
}

// named starts an upstream at every address, all with one port. It returns them and
// their common URL, which has a name.
func named(t *testing.T, serve func(*peer), addresses ...string) (upstreams []*upstream, url string) {
	t.Helper()
	port := "0"
	for _, a := range addresses {
		l, err := net.Listen("tcp", net.JoinHostPort(a, port))
		if err != nil {
			t.Skip(err) // the port is taken there, or there is no such address
		}
		t.Cleanup(func() { _ = l.Close() })
		port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		upstreams = append(upstreams, serveOn(t, l, "http://", serve))
	}
	return upstreams, "http://model.test:" + port
}

func asking(r *net.Resolver) option {
	return func(c *proxy.Config, _ *tap.Config) { c.Resolver = r }
}

// TestConnectionsFollowTheName: headway closes idle ones and does not keep busy ones.
func TestConnectionsFollowTheName(t *testing.T) {
	finish := make(chan struct{})
	us, url := named(t, func(p *peer) {
		for {
			m, err := p.tryMessage()
			if err != nil {
				return
			}
			if strings.HasPrefix(m, "POST") {
				<-finish
			}
			p.sendAnyway(okay)
		}
	}, "127.0.0.1", "127.0.0.2")
	names, resolver := newNameServer(t, "127.0.0.1")
	f := newFixture(t, url, asking(resolver))
	busy, idle := f.dial(), f.dial()
	busy.send(chat())
	eventually(t, "the first connection", func() bool { return us[0].connections.Load() == 1 })
	f.ask(idle)
	open := func() int { _, up := f.proxy.Sockets(); return len(up) }
	ask := func() {
		t.Helper()
		f.ask(idle)
	}

	names.set("127.0.0.2")
	f.proxy.LookUp()
	if ask(); open() != 2 || us[1].connections.Load() != 0 {
		t.Error("an address that was missing once is gone already")
	}
	names.fail(true)
	for range 2 * proxy.MaxMissed {
		f.proxy.LookUp()
	}
	if ask(); open() != 2 {
		t.Error("a lookup that failed retired connections")
	}
	names.fail(false)
	f.proxy.LookUp()
	eventually(t, "the idle connection to be closed", func() bool { return open() == 1 })
	if ask(); us[0].connections.Load() != 2 || us[1].connections.Load() != 1 {
		t.Error("the new address is not used")
	}
	close(finish)
	busy.expect(okay) // headway has left its connection alone
	f.want(exchange.OK, "", 200)
	eventually(t, "its connection to be closed", func() bool { return open() == 1 })
	f.ask(busy)
	if us[0].connections.Load() != 2 || us[1].connections.Load() != 1 {
		t.Error("a retired connection was kept")
	}
}

// TestAlternatingAnswersRetireNothing: a name may have more addresses than one answer
// shows.
func TestAlternatingAnswersRetireNothing(t *testing.T) {
	us, url := named(t, answering, "127.0.0.1")
	names, resolver := newNameServer(t, "127.0.0.1")
	f := newFixture(t, url, asking(resolver))
	c := f.dial()
	for i := range 10 {
		f.ask(c)
		names.set([]string{"127.0.0.7", "127.0.0.1"}[i%2])
		f.proxy.LookUp()
	}
	if n := us[0].connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestChangedNameIsFollowedInTime adds up the longest time that a change can take.
func TestChangedNameIsFollowedInTime(t *testing.T) {
	if most := proxy.MaxMissed*proxy.LookupEvery + proxy.LookupTimeout; most.Seconds() > 30 {
		t.Errorf("%v, want 30 s at most", most)
	}
}

// TestLooksUpOnlyWhileConnectionsToANameAreOpen.
func TestLooksUpOnlyWhileConnectionsToANameAreOpen(t *testing.T) {
	us, url := named(t, answering, "127.0.0.1")
	_, resolver := newNameServer(t, "127.0.0.1")
	for url, want := range map[string]bool{url: true, us[0].url: false} {
		f := newFixture(t, url, asking(resolver))
		if f.proxy.LooksUp() {
			t.Error("looks up before anything is open")
		}
		c := f.dial()
		f.ask(c)
		if got := f.proxy.LooksUp(); got != want {
			t.Errorf("%s is looked up: %v, want %v", url, got, want)
		}
		f.stopNow()
		if want {
			f.proxy.LookUp() // as the timer would
		}
		if f.proxy.LooksUp() {
			t.Error("looks up when nothing is open")
		}
	}
}
