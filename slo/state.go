package slo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stateVersion is the version of the file's format. Restore reads no other.
const stateVersion = 1

// saveEvery is how much time of the error budgets a crash may lose.
const saveEvery = time.Minute

// state outlives the process: enough for the error budgets, and no more.
type state struct {
	Version int                   `json:"version"`
	SLOs    map[string]savedHours `json:"slos"`
}

type savedHours struct {
	Fingerprint string     `json:"fingerprint"`     // of the SLO that was counted
	Since       int64      `json:"since,omitempty"` // Unix time of the start of the counts; files of older versions lack it
	Hours       [][3]int64 `json:"hours"`           // hour of Unix time, requests, good ones
}

// Keep restores the error budgets from the file at path, and saves them there every
// minute and when ctx ends. It also warns of SLOs that match nothing; without a path it
// does only that. It returns when ctx has ended.
func (j *Judge) Keep(ctx context.Context, path string, log *slog.Logger) {
	if path != "" {
		if err := j.Restore(path); err != nil {
			log.Warn("the error budgets start anew", "err", err)
		}
	}
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	failed := false
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case now := <-tick.C:
			for _, name := range j.Unmatched(now) {
				log.Warn("an SLO has matched nothing for an hour", "slo", name)
			}
		}
		if path == "" {
			continue
		}
		err := j.Save(path)
		if err != nil && !failed {
			log.Warn("the error budgets will not survive a restart", "err", err)
		}
		failed = err != nil
	}
}

// Restore adds the counts that Save wrote, for SLOs that are still the same. A missing
// file is no error. Restore puts a file that it cannot read aside, with .bad at its end.
func (j *Judge) Restore(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("restoring error budgets: %w", err)
	}
	saved, err := parseState(text)
	if err != nil {
		return errors.Join(fmt.Errorf("restoring error budgets from %s: %w", path, err), os.Rename(path, path+".bad"))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.books.ledgers {
		if s, ok := saved.SLOs[l.slo.Name]; ok && s.Fingerprint == l.slo.fingerprint() {
			l.restore(s, time.Now().Unix()/3600)
		}
	}
	return nil
}

func parseState(text []byte) (state, error) {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return s, err
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("format version %d is not known, only %d", s.Version, stateVersion)
	}
	for name, slo := range s.SLOs {
		last := int64(0)
		for _, h := range slo.Hours {
			if h[0] <= last || h[2] < 0 || h[1] < h[2] {
				return s, fmt.Errorf("hours of %s make no sense", name)
			}
			last = h[0]
		}
	}
	return s, nil
}

// restore puts saved hours before the hours that were counted since the start.
func (l *ledger) restore(saved savedHours, now int64) {
	since := l.hours
	start := saved.Since
	if start == 0 && len(saved.Hours) > 0 {
		start = 3600 * saved.Hours[0][0]
	}
	if start > 0 && start < l.since.Unix() {
		l.since = time.Unix(start, 0)
	}
	l.hours = nil
	for _, h := range saved.Hours {
		if h[0] > now-maxHours && h[0] <= now {
			l.hours = append(l.hours, hour{h[0], uint64(h[1]), uint64(h[2])})
		}
	}
	for _, h := range since {
		to := l.hour(h.at)
		to.total += h.total
		to.good += h.good
	}
}

// Save writes the counts for the error budgets into the file at path, whole or not at
// all. No other user may read the file, because it names the SLOs.
func (j *Judge) Save(path string) error {
	text, err := json.Marshal(j.state())
	if err != nil {
		return fmt.Errorf("saving error budgets: %w", err)
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("saving error budgets: %w", err)
	}
	return nil
}

func (j *Judge) state() state {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := state{Version: stateVersion, SLOs: map[string]savedHours{}}
	for _, l := range j.books.ledgers {
		saved := savedHours{Fingerprint: l.slo.fingerprint(), Since: l.since.Unix(), Hours: make([][3]int64, 0, len(l.hours))}
		for _, h := range l.hours {
			saved.Hours = append(saved.Hours, [3]int64{h.at, int64(h.total), int64(h.good)})
		}
		out.SLOs[l.slo.Name] = saved
	}
	return out
}

// replace writes text to a new file, which then replaces path.
func replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(slices.Concat(text, []byte("\n")))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
