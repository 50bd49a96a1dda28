package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// maxState bounds the file: 200 probes that learn leave 30 MB.
const maxState = 64 << 20

// keeper keeps the state in a file.
type keeper struct {
	path   string // empty keeps nothing
	log    *slog.Logger
	failed bool // the last attempt to write
}

// read returns the state of the file, or an empty one. It puts a file that it cannot read
// aside, with .bad at its end.
func (k *keeper) read() (s state) {
	if k.path == "" {
		return s
	}
	err := k.load(&s)
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return s
	default:
		k.log.Warn("all detectors begin anew", "file", k.path, "err", errors.Join(err, os.Rename(k.path, k.path+".bad")))
	}
	return state{}
}

func (k *keeper) load(s *state) error {
	file, err := os.Open(k.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // a file that was only read has nothing to lose
	text, err := io.ReadAll(io.LimitReader(file, maxState+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxState:
		return fmt.Errorf("it is larger than %d bytes", maxState)
	}
	if err := json.Unmarshal(text, s); err != nil {
		return err
	}
	if s.Schema != stateSchema {
		return fmt.Errorf("its schema is %q; want %q", s.Schema, stateSchema)
	}
	return nil
}

// write saves the state whole or not at all. No other user may read it, because it names
// models. It logs the first failure of a row.
func (k *keeper) write(of func() state) {
	if k.path == "" {
		return
	}
	err := k.replace(of())
	if err != nil && !k.failed {
		k.log.Warn("the state of the detectors will not survive a restart", "err", err)
	}
	k.failed = err != nil
}

func (k *keeper) replace(s state) error {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(s); err != nil {
		return err
	}
	if text.Len() > maxState {
		return fmt.Errorf("it would be %d bytes, and %d are the most", text.Len(), maxState)
	}
	f, err := os.CreateTemp(filepath.Dir(k.path), filepath.Base(k.path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
