//go:build 386 || s390x

package proxy

import "syscall"

// These machines have one system call for all socket operations, so read and write are
// the plain way.
const (
	trapRead  = syscall.SYS_READ
	trapWrite = syscall.SYS_WRITE
)
