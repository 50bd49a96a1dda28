package sidecar

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// reloadCheck is the interval at which follow reads a file. It is short beside the
// minute that Kubernetes may need to change a mounted ConfigMap. A watch on the file
// would not do: Kubernetes replaces a link above the file.
const reloadCheck = 2 * time.Second

// liveFile is a file that headway reads again on SIGHUP, and when its content changes.
type liveFile struct {
	path string
	most int // bytes; 0 is config.MaxFile
	// apply puts the content into force. After an error the content before stays in
	// force.
	apply func(text []byte) error
	log   *slog.Logger

	seen   [sha256.Size]byte // of the content that was read last
	failed atomic.Bool       // the last reading or applying failed
}

// load reads and applies the file for the first time.
func (w *liveFile) load() error {
	text, err := w.read()
	if err != nil {
		return err
	}
	w.seen = sha256.Sum256(text)
	return w.apply(text)
}

func (w *liveFile) read() ([]byte, error) {
	return config.ReadFile(w.path, cmp.Or(w.most, config.MaxFile))
}

// follow reads the file every reloadCheck, and at every signal on asked, until ctx
// ends.
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

// reload reads the file, and applies the content if it has changed since the last
// reading or if somebody asked for it. It logs a repeated failure to read only if
// somebody asked.
func (w *liveFile) reload(asked bool) {
	text, err := w.read()
	if err == nil {
		sum := sha256.Sum256(text)
		if sum == w.seen && !asked {
			return
		}
		w.seen = sum
		err = w.apply(text)
	} else {
		w.seen = [sha256.Size]byte{} // so that any content counts as new once the file is back
		if w.failed.Load() && !asked {
			return // the log has it already
		}
	}
	w.failed.Store(err != nil)
	if err != nil {
		w.log.Error("the file cannot be used, and the content before stays in force", "file", w.path, "err", err)
		return
	}
	w.log.Info("the file was read again", "file", w.path)
}

// tellAll passes every signal on asked to all others, until ctx ends. One that has not taken
// the signal before needs no second.
func tellAll(ctx context.Context, asked <-chan os.Signal, others []chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case signal := <-asked:
			for _, to := range others {
				select {
				case to <- signal:
				default:
				}
			}
		}
	}
}

// reopenOn has the capture open its file anew at every signal on asked, until ctx ends.
func reopenOn(ctx context.Context, asked <-chan os.Signal, w *capture.Writer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			w.Reopen()
		}
	}
}
