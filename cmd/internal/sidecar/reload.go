package sidecar

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// reloadCheck is how often a file is looked at. Kubernetes itself takes up to a
// minute to change a mounted ConfigMap, and swaps a link that no watch on the file
// would see.
const reloadCheck = 2 * time.Second

// liveFile is a file that is read again on SIGHUP, and when its content has changed.
type liveFile struct {
	path string
	// take takes the content over. After an error what was before is in force.
	take func(text []byte) error
	log  *slog.Logger

	seen   [sha256.Size]byte // of the content that was looked at last
	failed atomic.Bool       // it was not taken over
}

// load reads the file for the first time.
func (w *liveFile) load() error {
	text, err := config.ReadFile(w.path)
	if err != nil {
		return err
	}
	w.seen = sha256.Sum256(text)
	return w.take(text)
}

// follow reads the file again until ctx ends.
func (w *liveFile) follow(ctx context.Context, asked <-chan os.Signal) {
	tick := time.NewTicker(reloadCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			w.reload(true)
		case <-tick.C:
			w.reload(false)
		}
	}
}

// reload takes the content over if it is not what was looked at last, or anyway if
// somebody asked for it.
func (w *liveFile) reload(asked bool) {
	text, err := config.ReadFile(w.path)
	if err == nil {
		sum := sha256.Sum256(text)
		if sum == w.seen && !asked {
			return
		}
		w.seen = sum
		err = w.take(text)
	} else {
		w.seen = [sha256.Size]byte{} // what comes back is looked at, whatever it is
		if w.failed.Load() && !asked {
			return // that was told before
		}
	}
	w.failed.Store(err != nil)
	if err != nil {
		w.log.Error("the file is not taken over, and what was before stays in force", "file", w.path, "err", err)
		return
	}
	w.log.Info("the file was read again", "file", w.path)
}
