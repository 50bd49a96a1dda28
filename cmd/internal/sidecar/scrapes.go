package sidecar

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// scrapes knows whether somebody has read the metrics of every exchange and chain. It
// is an exchange.ChainObserver that must come after the metrics. newScrapes makes one.
type scrapes struct {
	observed atomic.Uint64 // exchanges and chains

	mu   sync.Mutex
	seen uint64 // how many were observed before the newest complete scrape began
	news chan struct{}
}

func newScrapes() *scrapes { return &scrapes{news: make(chan struct{}, 1)} }

// Observe counts an exchange whose metrics a scraper can read now.
func (s *scrapes) Observe(exchange.Record) { s.observed.Add(1) }

// ObserveChain counts a chain in the same way.
func (s *scrapes) ObserveChain(exchange.Chain) { s.observed.Add(1) }

// through wraps h, which serves the metrics, and notes every complete answer.
func (s *scrapes) through(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		observed := s.observed.Load()
		h.ServeHTTP(w, r)
		if r.Method == http.MethodGet && r.Context().Err() == nil {
			s.note(observed)
		}
	})
}

func (s *scrapes) note(observed uint64) {
	s.mu.Lock()
	s.seen = max(s.seen, observed)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// complete says whether somebody has read everything.
func (s *scrapes) complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen == s.observed.Load()
}

// await waits until everything has been read, or ctx ends, and says which. One
// goroutine may wait at a time.
func (s *scrapes) await(ctx context.Context) bool {
	for !s.complete() {
		select {
		case <-s.news:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
