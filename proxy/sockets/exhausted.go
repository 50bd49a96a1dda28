package sockets

import (
	"errors"
	"net"
	"strings"
	"syscall"
)

// Exhausted tells whether a connection could not be opened because no descriptor was left
// for it: the process has as many as it may (ulimit -n), or the machine has. A lookup of a
// name needs a descriptor too, and its error has only the text of the cause.
func Exhausted(err error) bool {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return strings.HasSuffix(lookup.Err, syscall.EMFILE.Error()) || strings.HasSuffix(lookup.Err, syscall.ENFILE.Error())
	}
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
