package delivery

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// backlogBytes bounds what is on its way to the disk: nothing, or one payload,
	// unless the disk is slow or full.
	backlogBytes = 4 << 20
	// diskAgain is how long the disk is left alone after it failed.
	diskAgain = time.Second
)

// spooled is a store on disk. put leaves a payload in memory, from where a goroutine
// writes it to the spool at once. While the disk fails, what is in memory is sent from
// there, in its turn.
type spooled struct {
	backlog *memory
	dropped *atomic.Uint64
	reports *reports
	kick    chan struct{}   // told of every put
	wake    chan<- struct{} // tells the sender
	stop    chan struct{}
	stopped chan struct{}
	unread  atomic.Int64 // of the spool

	mu      sync.Mutex // orders what goes to and from the disk
	spool   *spool
	failing bool // the last write failed
}

func openSpooled(cfg Config, dropped *atomic.Uint64, wake chan<- struct{}, reports *reports) (*spooled, error) {
	opened, lost, err := openSpool(filepath.Join(cfg.SpoolDir, string(cfg.Signal)), cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	kick := make(chan struct{}, 1)
	s := &spooled{
		backlog: newMemory(min(backlogBytes, cfg.MaxBytes), dropped, kick), dropped: dropped, reports: reports,
		kick: kick, wake: wake, stop: make(chan struct{}), stopped: make(chan struct{}), spool: opened,
	}
	s.count(lost, "damaged")
	s.unread.Store(opened.unread())
	if opened.aside > 0 {
		reports.log.Warn("the spool has files that this version did not write; they are set aside, and are not sent",
			"directory", opened.dir, "files", opened.aside, "suffix", ".aside")
	}
	if opened.left > 0 {
		reports.log.Info("an earlier process left items in the spool", "items", opened.left, "bytes", opened.unread())
	}
	go s.write()
	return s, nil
}

// count adds to what was dropped.
func (s *spooled) count(items uint64, kind string) {
	if items > 0 {
		s.dropped.Add(items)
		s.reports.warn("the spool dropped items", kind, "items", items)
	}
}

func (s *spooled) put(payload []byte, items int) { s.backlog.put(payload, items) }

// write moves what comes to the spool until stop.
func (s *spooled) write() {
	defer close(s.stopped)
	var again <-chan time.Time // set while the disk fails
	for {
		select {
		case <-s.stop:
			return
		case <-again:
			again = nil
			s.moveAll()
		case <-s.kick:
			if again == nil {
				s.moveAll()
			}
		}
		if again == nil && s.isFailing() {
			again = time.After(diskAgain)
		}
		tell(s.wake)
	}
}

func (s *spooled) isFailing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

func (s *spooled) moveAll() {
	for s.move() {
		tell(s.wake)
	}
}

func (s *spooled) move() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moveLocked()
}

// moveLocked writes one payload; false if there was none or the disk failed.
func (s *spooled) moveLocked() bool {
	e, ok := s.backlog.take()
	if !ok {
		s.failing = false
		return false
	}
	dropped, err := s.spool.append(e.payload, e.items)
	s.count(dropped, "full")
	s.unread.Store(s.spool.unread())
	if err != nil {
		s.backlog.giveBack(e)
		s.failing = true
		s.reports.warn("the spool cannot be written; waiting in memory", "disk", "reason", err)
		return false
	}
	s.backlog.settle(e)
	s.failing = false
	return true
}

// take writes what is on its way itself rather than wait for it. Only when the disk
// fails does it lend from memory.
func (s *spooled) take() (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		e, ok, dropped, err := s.spool.take()
		s.count(dropped, "damaged")
		s.unread.Store(s.spool.unread())
		switch {
		case err != nil:
			s.reports.warn("the spool cannot be read", "disk", "reason", err)
			time.AfterFunc(diskAgain, func() { tell(s.wake) })
			return entry{}, false
		case ok:
			return e, true
		case s.failing || !s.moveLocked():
			if s.failing {
				return s.backlog.take()
			}
			return entry{}, false
		}
	}
}

func (s *spooled) settle(e entry) {
	if !e.spooled {
		s.backlog.settle(e)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(s.spool.settle(), "damaged")
	s.unread.Store(s.spool.unread())
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

func (s *spooled) waiting() int64 { return s.backlog.waiting() + s.unread.Load() }

func (s *spooled) refuse() { s.backlog.refuse() }

// close writes what is still in memory, and counts what the disk does not take.
func (s *spooled) close() {
	close(s.stop)
	<-s.stopped
	s.moveAll()
	s.backlog.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.spool.close(); err != nil {
		s.reports.warn("the spool did not close", "disk", "reason", err)
	}
}
