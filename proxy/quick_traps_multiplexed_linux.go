//go:build 386 || s390x

package proxy

import "syscall"

// These machines have one call for all that concerns sockets.
const (
	trapRead  = syscall.SYS_READ
	trapWrite = syscall.SYS_WRITE
)
