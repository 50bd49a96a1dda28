//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package delivery

import (
	"errors"
	"os"
)

// lock fails, because this system has no lock that ends with its process.
func lock(string) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
