package delivery

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// backlogBytes bounds the payloads on their way to the disk. Unless the disk is slow or
	// full, there is one at most.
	backlogBytes = 4 << 20
	// diskRetry is the wait before the next attempt after the disk failed.
	diskRetry = time.Second
)

// spooled is a store on disk. put leaves a payload in the backlog in memory; the goroutine
// write moves it from there to the spool at once. While the disk fails, lend takes the
// payloads of the backlog from memory, when those of the spool are sent.
type spooled struct {
	backlog    *memory
	dropped    *atomic.Uint64
	reports    *reports
	arrived    chan struct{}   // the backlog notifies write of every put
	wake       chan<- struct{} // write notifies the sender's goroutine
	stop       chan struct{}   // close closes it
	stopped    chan struct{}   // write closes it
	spoolBytes atomic.Int64    // unfinished bytes of the spool

	mu      sync.Mutex // guards the fields below, and the order of entries
	spool   *spool
	failing bool // the last write failed
}

// openSpooled opens the spool of cfg.Signal and starts writing to it.

func openSpooled(cfg Config, dropped *atomic.Uint64, wake chan<- struct{}, reports *reports) (*spooled, error) {
	opened, lost, err := openSpool(filepath.Join(cfg.SpoolDir, string(cfg.Signal)), cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	arrived := make(chan struct{}, 1)
	s := &spooled{
		backlog: newMemory(min(backlogBytes, cfg.MaxBytes), dropped, arrived), dropped: dropped, reports: reports,
		arrived: arrived, wake: wake, stop: make(chan struct{}), stopped: make(chan struct{}), spool: opened,
	}
	s.countDropped(lost, "damaged")
	s.spoolBytes.Store(opened.unfinishedBytes())
	if opened.setAsideFiles > 0 {
		reports.log.Warn("set aside files in the spool that this version did not write; headway does not send them",
			"directory", opened.dir, "files", opened.setAsideFiles, "suffix", ".aside")
	}
	if opened.unfinished > 0 {
		reports.log.Info("an earlier process left items in the spool", "items", opened.unfinished, "bytes", opened.unfinishedBytes())
	}
	go s.write()
	return s, nil
}

// countDropped counts items that the spool dropped, and logs them. kind is the cause.
func (s *spooled) countDropped(items uint64, kind string) {
	if items > 0 {
		s.dropped.Add(items)
		s.reports.warn("the spool dropped items", kind, "items", items)
	}
}

func (s *spooled) put(payload []byte, items int) { s.backlog.put(payload, items) }

// write moves payloads from the backlog to the spool, until close stops it.
func (s *spooled) write() {
	defer close(s.stopped)
	var retry <-chan time.Time // set while the disk fails
	for {
		select {
		case <-s.stop:
			return
		case <-retry:
			retry = nil
			s.moveAll()
		case <-s.arrived:
			if retry == nil {
				s.moveAll()
			}
		}
		if retry == nil && s.isFailing() {
			retry = time.After(diskRetry)
		}
		notify(s.wake)
	}
}

func (s *spooled) isFailing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

// moveAll empties the backlog into the spool, as far as the disk allows.
func (s *spooled) moveAll() {
	for s.move() {
		notify(s.wake)
	}
}

func (s *spooled) move() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moveLocked()
}

// moveLocked moves one payload from the backlog to the spool. It returns false when there
// is none or the disk failed. The caller holds mu.
func (s *spooled) moveLocked() bool {
	e, ok := s.backlog.lend()
	if !ok {
		s.failing = false
		return false
	}
	dropped, err := s.spool.append(e.payload, e.items)
	s.countDropped(dropped, "full")
	s.spoolBytes.Store(s.spool.unfinishedBytes())
	if err != nil {
		s.backlog.giveBack(e)
		s.failing = true
		s.reports.warn("cannot write to the spool; requests wait in memory", "disk", "reason", err)
		return false
	}
	s.backlog.finish(e)
	s.failing = false
	return true
}

// lend returns the oldest entry of the spool. When the spool is empty, lend moves the next
// payload there itself rather than wait for write. It lends from memory only while the
// disk fails.
func (s *spooled) lend() (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		e, ok, dropped, err := s.spool.lend()
		s.countDropped(dropped, "damaged")
		s.spoolBytes.Store(s.spool.unfinishedBytes())
		switch {
		case err != nil:
			s.reports.warn("cannot read the spool", "disk", "reason", err)
			time.AfterFunc(diskRetry, func() { notify(s.wake) })
			return entry{}, false
		case ok:
			return e, true
		case s.failing || !s.moveLocked():
			if s.failing {
				return s.backlog.lend()
			}
			return entry{}, false
		}
	}
}

func (s *spooled) finish(e entry) {
	if !e.spooled {
		s.backlog.finish(e)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countDropped(s.spool.finish(), "damaged")
	s.spoolBytes.Store(s.spool.unfinishedBytes())
}

func (s *spooled) giveBack(e entry) {
	if !e.spooled {
		s.backlog.giveBack(e)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spool.giveBack()
}

func (s *spooled) waiting() int64 { return s.backlog.waiting() + s.spoolBytes.Load() }

func (s *spooled) refuse() { s.backlog.refuse() }

// close moves the backlog to the spool, and counts the payloads that the disk refuses.
func (s *spooled) close() {
	close(s.stop)
	<-s.stopped
	s.moveAll()
	s.backlog.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.spool.close(); err != nil {
		s.reports.warn("closing the spool failed", "disk", "reason", err)
	}
}
