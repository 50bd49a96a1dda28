//go:build linux || darwin

package sockets

import "syscall"

// Descriptors is how many descriptors the process may have. Go's runtime has raised the
// limit to the most that the system allows.
func Descriptors() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return limit.Cur, nil
}
