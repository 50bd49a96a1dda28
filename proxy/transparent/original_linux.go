package transparent

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

// originalDst is SO_ORIGINAL_DST of linux/netfilter_ipv4.h, and
// IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h.
const originalDst = 80

// OriginalDestination is the destination of conn before the packet filter redirected it.
// It fails for a connection that no packet filter has redirected.
func OriginalDestination(conn *net.TCPConn) (to netip.AddrPort, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("asking for the original destination: %w", err)
	}
	// For an IPv4 connection of an IPv6 socket the kernel answers to IPv4's option only.
	ask := original6
	if sockets.AddressOf(conn.RemoteAddr()).Addr().Is4() {
		ask = original4
	}
	if e := raw.Control(func(fd uintptr) { to, err = ask(int(fd)) }); e != nil {
		err = e
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("asking for the original destination: %w", err)
	}
	return to, nil
}

// original4 reads a sockaddr_in, which fits into the 20 bytes of an IPv6Mreq.
func original4(fd int) (netip.AddrPort, error) {
	answer, err := syscall.GetsockoptIPv6Mreq(fd, syscall.SOL_IP, originalDst)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockopt", err)
	}
	a := answer.Multiaddr
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:8])), binary.BigEndian.Uint16(a[2:4])), nil
}

// original6 reads a sockaddr_in6, the first part of an IPv6MTUInfo.
func original6(fd int) (netip.AddrPort, error) {
	answer, err := syscall.GetsockoptIPv6MTUInfo(fd, syscall.SOL_IPV6, originalDst)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockopt", err)
	}
	var port [2]byte
	binary.NativeEndian.PutUint16(port[:], answer.Addr.Port) // the bytes in memory
	return netip.AddrPortFrom(netip.AddrFrom16(answer.Addr.Addr), binary.BigEndian.Uint16(port[:])), nil
}
