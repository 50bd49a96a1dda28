//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package delivery

import (
	"errors"
	"os"
	"syscall"
)

// lock opens a file and locks it for this process. The lock ends with the process, however
// the process ends, so that a restarted pod finds its spool free.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("the directory is in use; each process needs one of its own")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
