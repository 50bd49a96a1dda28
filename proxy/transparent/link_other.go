//go:build !linux || 386 || s390x

package transparent

import "net"

// newLink uses no system calls of its own here, as it does on Linux, where sockets have
// their own calls.
func newLink(conn net.Conn) link { return plainLink{conn} }
