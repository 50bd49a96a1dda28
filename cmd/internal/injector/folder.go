package injector

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// Folder has the certificate of the webhook from files that somebody else makes, and reads
// them again when they change.
type Folder struct {
	served
	dir string
	log *slog.Logger
}

// NewFolder returns the certificate in dir: tls.crt and tls.key.
func NewFolder(dir string, log *slog.Logger) *Folder { return &Folder{dir: dir, log: log} }

// Run reads the files until ctx ends.
func (f *Folder) Run(ctx context.Context) {
	for {
		if err := f.read(); err != nil && f.failed(err) {
			f.log.Warn("the webhook's certificate", "problem", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// read reads both files. While somebody writes them they may not fit each other: then the
// certificate before stays, and the next read finds the new one.
func (f *Folder) read() error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(f.dir, certificateKey), filepath.Join(f.dir, privateKey))
	if err != nil {
		return fmt.Errorf("reading the certificate in %s: %w", f.dir, err)
	}
	f.set(&pair)
	return nil
}
