//go:build !386 && !s390x

package proxy

import "syscall"

// The calls of sockets know what they are given. read and write find it out, and tell
// the file system's watchers.
const (
	trapRead  = syscall.SYS_RECVFROM
	trapWrite = syscall.SYS_SENDTO
)
