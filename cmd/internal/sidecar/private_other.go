//go:build !linux

package sidecar

import (
	"errors"
	"os"
	"path/filepath"
)

// privateFile is a file of this process only, in a directory that nobody else can read.
type privateFile struct{ path, dir string }

func newPrivateFile() (*privateFile, error) {
	dir, err := os.MkdirTemp("", "headway-*")
	if err != nil {
		return nil, err
	}
	return &privateFile{filepath.Join(dir, "file"), dir}, nil
}

// replace gives the file another content. A reader has all of the old one or all of the
// new one.
func (p *privateFile) replace(content []byte) error {
	next := filepath.Join(p.dir, "next")
	return errors.Join(os.WriteFile(next, content, 0o600), os.Rename(next, p.path))
}

func (p *privateFile) close() error { return os.RemoveAll(p.dir) }
