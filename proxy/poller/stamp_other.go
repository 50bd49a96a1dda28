//go:build !linux

package poller

import "syscall"

// StampArrivals does nothing here, and returns false.
func StampArrivals(syscall.Conn) bool { return false }
