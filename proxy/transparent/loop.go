package transparent

import (
	"errors"
	"net"
	"net/netip"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

// errLoop is the error of a connection whose destination is headway.
var errLoop = errors.New("its destination is headway itself")

// isOwn tells whether listener listens at to: then the client has connected to headway
// itself, and no packet filter has redirected the connection.
func isOwn(to netip.AddrPort, listener net.Addr) bool {
	own := sockets.AddressOf(listener)
	if to.Port() != own.Port() {
		return false
	}
	if to.Addr() == own.Addr() {
		return true
	}
	if !own.Addr().IsUnspecified() {
		return false
	}
	local, err := net.InterfaceAddrs()
	for _, a := range local {
		if prefix, ok := a.(*net.IPNet); ok && prefix.IP.Equal(to.Addr().AsSlice()) {
			return true
		}
	}
	return err != nil || to.Addr().IsLoopback()
}
