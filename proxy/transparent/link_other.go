//go:build !linux || 386 || s390x

package transparent

import "net"

// newLink knows no shortcut here: those are for Linux, where sockets have system
// calls of their own.
func newLink(conn net.Conn) link { return plainLink{conn} }
