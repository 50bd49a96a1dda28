package sockets_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

// TestExhausted takes the errors of lookups from the resolver itself.
func TestExhausted(t *testing.T) {
	opening := func(why error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", why)}
	}
	lookup := func(why error) error {
		r := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, opening(why) }}
		_, err := (&net.Dialer{Resolver: &r}).DialContext(t.Context(), "tcp", "model.example:80")
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"the process has as many as it may": {opening(syscall.EMFILE), true},
		"the machine has as many":           {fmt.Errorf("connecting: %w", opening(syscall.ENFILE)), true},
		"a lookup in such a process":        {lookup(syscall.EMFILE), true},
		"a lookup on such a machine":        {lookup(syscall.ENFILE), true},
		"a lookup that is refused":          {lookup(syscall.ECONNREFUSED), false},
		"refused":                           {opening(syscall.ECONNREFUSED), false},
		"no port is left":                   {opening(syscall.EADDRNOTAVAIL), false},
		"another error":                     {errors.New("too many open files"), false},
		"none":                              {nil, false},
	} {
		if got := sockets.Exhausted(tt.err); got != tt.want {
			t.Errorf("%s (%v): %v, want %v", name, tt.err, got, tt.want)
		}
	}
}
