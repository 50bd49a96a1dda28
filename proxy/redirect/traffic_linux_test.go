package redirect_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy/redirect"
)

// pair is two hosts with a cable between them.
type pair struct{ app, far namespace }

// Addresses of the hosts of a pair.
const (
	appV4, farV4 = "192.0.2.1", "192.0.2.2"
	appV6, farV6 = "2001:db8::1", "2001:db8::2"
	secondFarV4  = "192.0.2.3" // the far host has it too
	secondFarV6  = "2001:db8::3"
	firstUID     = 65532 // excluded
	someMark     = 0x539 // excluded
	listenerPort = "8482"
)

func newPair(t *testing.T) pair {
	t.Helper()
	p := pair{newNamespace(t), newNamespace(t)}
	run(t, "", "ip", "-n", string(p.app), "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", string(p.far))
	for n, addresses := range map[namespace][]string{p.app: {appV4 + "/24", appV6 + "/64"}, p.far: {farV4 + "/24", secondFarV4 + "/24", farV6 + "/64", secondFarV6 + "/64"}} {
		for _, a := range addresses {
			args := []string{"-n", string(n), "addr", "add", a, "dev", "eth0"}
			if strings.Contains(a, ":") {
				args = append(args, "nodad") // usable at once
			}
			if strings.HasPrefix(a, secondFarV6) {
				args = append(args, "preferred_lft", "0") // no connection has it as its source unless it binds to it
			}
			run(t, "", "ip", args...)
		}
		run(t, "", "ip", "-n", string(n), "link", "set", "eth0", "up")
	}
	return p
}

// serve answers every connection to the port in the namespace with a name and the
// connection's original destination, and then echoes.
func (n namespace) serve(t *testing.T, port, name string) {
	t.Helper()
	n.do(t, func() {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					_, _ = fmt.Fprintf(c, "%s %s\n", name, originalDestination(c))
					_, _ = io.Copy(c, c)
				}()
			}
		}()
	})
}

// originalDestination is a connection's destination before the packet filter redirected
// it, or its destination if no packet filter has.
func originalDestination(c net.Conn) string {
	to := c.LocalAddr().(*net.TCPAddr).AddrPort()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err.Error()
	}
	err = raw.Control(func(fd uintptr) {
		if to.Addr().Is4() { // sockaddr_in, which fits into an ipv6_mreq
			if a, err := unix.GetsockoptIPv6Mreq(int(fd), unix.SOL_IP, unix.SO_ORIGINAL_DST); err == nil {
				b := a.Multiaddr
				to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), uint16(b[2])<<8|uint16(b[3]))
			}
			return
		}
		if a, err := unix.GetsockoptIPv6MTUInfo(int(fd), unix.SOL_IPV6, unix.SO_ORIGINAL_DST); err == nil {
			port := a.Addr.Port<<8 | a.Addr.Port>>8
			to = netip.AddrPortFrom(netip.AddrFrom16(a.Addr.Addr), port)
		}
	})
	if err != nil {
		return err.Error()
	}
	return to.String()
}

// as says as which client a test connects.
type as struct {
	uid  int
	mark int
	from string // the client's own address, any if empty
}

// dial connects from the namespace. It returns the connection, nil when refused, and the
// name that the server answered with.
func (n namespace) dial(t *testing.T, who as, host, port string) (net.Conn, string) {
	t.Helper()
	var c net.Conn
	var greeting string
	n.do(t, func() {
		if who.uid != 0 {
			if err := unix.Setfsuid(who.uid); err != nil { // of this thread
				t.Error(err)
				return
			}
		}
		d := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, raw syscall.RawConn) (err error) {
			if who.mark != 0 {
				err = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, who.mark) })
			}
			return err
		}}
		if who.from != "" {
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(who.from)}
		}
		var err error
		if c, err = d.DialContext(context.Background(), "tcp", net.JoinHostPort(host, port)); err != nil {
			greeting = err.Error()
			return
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		line, err := bufio.NewReader(io.LimitReader(c, 100)).ReadString('\n')
		if err != nil {
			t.Errorf("from %s:%s: %v", host, port, err)
		}
		greeting = strings.TrimSpace(line)
	})
	return c, greeting
}

func TestConnectionsGoWhereThePlanSays(t *testing.T) {
	needs(t, filterPrograms()...)
	plan := redirect.Default()
	plan.Outbound = ports("1-11999")
	plan.Inbound = ports("8000")
	plan.Loopback = ports("11434")
	plan.ExcludeMark = someMark
	plan.ExcludePorts = ports("53")
	plan.ExcludeCIDRs = cidrs(secondFarV4+"/32", secondFarV6+"/128")
	for _, backend := range redirect.Backends()[1:] {
		t.Run(string(backend), func(t *testing.T) {
			p := newPair(t)
			for _, port := range []string{"53", "80", "12000"} {
				p.far.serve(t, port, "far")
			}
			for _, port := range []string{"8000", "8001", "11434"} {
				p.app.serve(t, port, "local")
			}
			p.app.serve(t, listenerPort, "headway")
			install(t, p.app, plan, backend)
			p.check(t, appV4, farV4, secondFarV4, "127.0.0.1")
			p.check(t, appV6, farV6, secondFarV6, "::1")
		})
	}
}

func install(t *testing.T, n namespace, plan redirect.Plan, backend redirect.Backend) {
	t.Helper()
	n.do(t, func() {
		filter := redirect.Filter{}
		if _, err := filter.Install(t.Context(), plan, backend); err != nil {
			t.Error(err)
		}
	})
}

// check tries connections of one family.
func (p pair) check(t *testing.T, app, far, secondFar, loopback string) {
	tests := []struct {
		name       string
		from       namespace
		who        as
		host, port string
		want       string // the name in the answer
	}{
		{"a selected port elsewhere", p.app, as{}, far, "80", "headway"},
		{"another user's", p.app, as{uid: 1000}, far, "80", "headway"},
		{"nobody listens there, which is headway's to find out", p.app, as{}, far, "81", "headway"},
		{"a port beyond the selection", p.app, as{}, far, "12000", "far"},
		{"an excluded user", p.app, as{uid: firstUID}, far, "80", "far"},
		{"an excluded mark", p.app, as{mark: someMark}, far, "80", "far"},
		{"an excluded port", p.app, as{}, far, "53", "far"},
		{"an excluded address", p.app, as{}, secondFar, "80", "far"},
		{"loopback", p.app, as{}, loopback, "8000", "local"},
		{"its own address", p.app, as{}, app, "8000", "local"},
		{"a selected port over loopback", p.app, as{}, loopback, "11434", "headway"},
		{"a selected port at its own address", p.app, as{}, app, "11434", "headway"},
		{"an excluded user over loopback", p.app, as{uid: firstUID}, loopback, "11434", "local"},
		{"from elsewhere to a selected port", p.far, as{}, app, "8000", "headway"},
		{"from an excluded address", p.far, as{from: secondFar}, app, "8000", "local"},
		{"from elsewhere to another port", p.far, as{}, app, "8001", "local"},
		{"from elsewhere to the listener itself", p.far, as{}, app, listenerPort, "headway"},
	}
	for _, tt := range tests {
		_, got := tt.from.dial(t, tt.who, tt.host, tt.port)
		if want := tt.want + " " + net.JoinHostPort(tt.host, tt.port); got != want {
			t.Errorf("%s: %s port %s: answered by %q, want %q", tt.name, tt.host, tt.port, got, want)
		}
	}
}

func TestOpenConnectionsAreLeftAlone(t *testing.T) {
	needs(t, filterPrograms()...)
	for _, backend := range redirect.Backends()[1:] {
		t.Run(string(backend), func(t *testing.T) {
			p := newPair(t)
			p.far.serve(t, "80", "far")
			p.app.serve(t, listenerPort, "headway")
			direct, _ := p.app.dial(t, as{}, farV4, "80")
			install(t, p.app, redirect.Default(), backend)
			echo(t, direct, "opened before the rules were")
			led, who := p.app.dial(t, as{}, farV4, "80")
			if !strings.HasPrefix(who, "headway") {
				t.Fatalf("answered by %s", who)
			}
			install(t, p.app, redirect.Default(), backend)
			echo(t, led, "redirected, and the rules made again")
			p.app.do(t, func() {
				filter := redirect.Filter{}
				if _, err := filter.Remove(t.Context(), redirect.Auto); err != nil {
					t.Error(err)
					runtime.Goexit()
				}
			})
			echo(t, direct, "opened before the rules were, and they are gone")
			if _, who := p.app.dial(t, as{}, farV4, "80"); !strings.HasPrefix(who, "far") {
				t.Errorf("after remove answered by %s", who)
			}
		})
	}
}

// Another program's rules keep the kernel's connection tracking alive.
func TestRedirectedConnectionsOutliveOurRulesBesideOthers(t *testing.T) {
	needs(t, filterPrograms()...)
	for _, backend := range redirect.Backends()[1:] {
		t.Run(string(backend), func(t *testing.T) {
			p := newPair(t)
			p.far.serve(t, "80", "far")
			p.app.serve(t, listenerPort, "headway")
			p.app.do(t, func() { usersRules(t) })
			install(t, p.app, redirect.Default(), backend)
			led, who := p.app.dial(t, as{}, farV4, "80")
			if !strings.HasPrefix(who, "headway") {
				t.Fatalf("answered by %s", who)
			}
			p.app.do(t, func() {
				filter := redirect.Filter{}
				if _, err := filter.Remove(t.Context(), redirect.Auto); err != nil {
					t.Error(err)
				}
			})
			echo(t, led, "redirected, and the rules gone")
		})
	}
}

// Another program's rules redirect one port to another here. Ours come after all others
// in nftables; in iptables, after those that were there.
func TestARedirectionOfSomebodyElsesStays(t *testing.T) {
	needs(t, filterPrograms()...)
	theirs := func(t *testing.T) {
		run(t, "table ip theirs { chain o { type nat hook output priority -100; tcp dport 5432 redirect to :6432; }; }\n", "nft", "-f", "-")
	}
	tests := []struct {
		name          string
		backend       redirect.Backend
		before, after func(t *testing.T)
	}{
		{"made before in nft", redirect.Nftables, theirs, nil},
		{"made later in nft", redirect.Nftables, nil, theirs},
		{"made before in iptables", redirect.Nftables, usersRules, nil},
		{"made later in iptables", redirect.Nftables, nil, usersRules},
		{"made before by the same programs", redirect.NFTIPTables, usersRules, nil},
		{"made before by the same legacy programs", redirect.LegacyIPTables, usersRules, nil},
	}
	for _, tt := range tests {
		t.Run(string(tt.backend)+"/"+tt.name, func(t *testing.T) {
			p := newPair(t)
			p.app.serve(t, "6432", "theirs")
			p.app.serve(t, listenerPort, "headway")
			if tt.before != nil {
				p.app.do(t, func() { tt.before(t) })
			}
			install(t, p.app, redirect.Default(), tt.backend)
			if tt.after != nil {
				p.app.do(t, func() { tt.after(t) })
			}
			if _, who := p.app.dial(t, as{}, farV4, "5432"); !strings.HasPrefix(who, "theirs") {
				t.Errorf("answered by %s", who)
			}
		})
	}
}

// echo fails the test unless the bytes that it sends come back.
func echo(t *testing.T, c net.Conn, which string) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(3 * time.Second))
	got := make([]byte, len(which))
	if _, err := io.WriteString(c, which); err != nil {
		t.Errorf("%s: %v", which, err)
	}
	if _, err := io.ReadFull(c, got); err != nil {
		t.Errorf("%s: %v", which, err)
	}
}
