package sidecar

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// privateFile is a file of this process only. It lies in memory: a container often has no
// file system to write to.
type privateFile struct {
	path string
	file *os.File
}

func newPrivateFile() (*privateFile, error) {
	fd, err := unix.MemfdCreate("headway", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a file in memory: %w", err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	return &privateFile{path, os.NewFile(uintptr(fd), path)}, nil
}

// replace gives the file another content. A reader has all of the old one or all of the
// new one.
func (p *privateFile) replace(content []byte) error {
	next, err := newPrivateFile()
	if err != nil {
		return err
	}
	defer func() { _ = next.close() }() // p.path leads to what it held
	if _, err := next.file.Write(content); err != nil {
		return fmt.Errorf("writing a file in memory: %w", err)
	}
	if err := unix.Dup3(int(next.file.Fd()), int(p.file.Fd()), unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("replacing a file in memory: %w", err)
	}
	return nil
}

func (p *privateFile) close() error { return p.file.Close() }
