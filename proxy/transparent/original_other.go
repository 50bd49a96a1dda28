//go:build !linux

package transparent

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// OriginalDestination works on Linux only.
func OriginalDestination(*net.TCPConn) (netip.AddrPort, error) {
	return netip.AddrPort{}, fmt.Errorf("asking for the original destination: %w", errors.ErrUnsupported)
}
