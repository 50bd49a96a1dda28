package sidecar

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// scrapesAtOnce is how many scrapes headway serves at the same time: two Prometheus
	// servers that are replicas of each other come together, and no more are usual.
	scrapesAtOnce = 2
	// scrapePatience is how long another scrape waits for its turn. Prometheus gives up
	// after 10 s by default.
	scrapePatience = 3 * time.Second
	// readPatience is how long a scraper may take to read 64 KiB, and scrapeTimeout to
	// read everything. A scraper that reads nothing would keep others from their turn.
	readPatience  = 5 * time.Second
	scrapeTimeout = 30 * time.Second
	readStep      = 64 << 10 // bytes
)

// scrapes lets few scrapers at the metrics at once. It knows whether somebody has read the
// metrics of every exchange and chain. It is an exchange.ChainObserver that must come after
// the metrics. newScrapes makes one.
type scrapes struct {
	observed atomic.Uint64 // exchanges and chains
	turns    chan struct{} // holds one element for each scrape under way

	mu   sync.Mutex
	seen uint64 // how many were observed before the newest complete scrape began
	news chan struct{}
}

func newScrapes() *scrapes {
	return &scrapes{news: make(chan struct{}, 1), turns: make(chan struct{}, scrapesAtOnce)}
}

// Observe counts an exchange whose metrics a scraper can read now.
func (s *scrapes) Observe(exchange.Record) { s.observed.Add(1) }

// ObserveChain counts a chain in the same way.
func (s *scrapes) ObserveChain(exchange.Chain) { s.observed.Add(1) }

// ObserveTurn counts a turn in the same way.
func (s *scrapes) ObserveTurn(exchange.WholeTurn) { s.observed.Add(1) }

// through wraps h, which serves the metrics, and notes every complete answer. When too many
// scrapes are under way, another one waits a moment and then gets 503.
func (s *scrapes) through(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.turn(r.Context()) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "two other scrapes are under way", http.StatusServiceUnavailable)
			return
		}
		defer func() { <-s.turns }()
		observed := s.observed.Load()
		h.ServeHTTP(newImpatient(w), r)
		if r.Method == http.MethodGet && r.Context().Err() == nil {
			s.note(observed)
		}
	})
}

// turn waits until few enough scrapes are under way, for a moment, and says whether that
// is so.
func (s *scrapes) turn(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, scrapePatience)
	defer cancel()
	select {
	case s.turns <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// impatient is a ResponseWriter that fails when its client reads too slowly.
type impatient struct {
	http.ResponseWriter
	control *http.ResponseController
	end     time.Time
}

func newImpatient(w http.ResponseWriter) *impatient {
	return &impatient{w, http.NewResponseController(w), time.Now().Add(scrapeTimeout)}
}

// Write writes p in steps, each with its own time.
func (i *impatient) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		by := time.Now().Add(readPatience)
		if i.end.Before(by) {
			by = i.end
		}
		_ = i.control.SetWriteDeadline(by) // a writer without deadlines has no slow reader
		var wrote int
		wrote, err = i.ResponseWriter.Write(p[:min(len(p), readStep)])
		n += wrote
		p = p[wrote:]
	}
	return n, err
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
