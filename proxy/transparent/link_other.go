//go:build !linux

package transparent

import "net"

// newLink knows no shortcut here: those are for Linux.
func newLink(conn net.Conn) link { return plainLink{conn} }
