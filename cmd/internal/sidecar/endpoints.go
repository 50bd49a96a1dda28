package sidecar

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	page "github.com/headway-sidecar/headway/dashboards/live"
)

// endpoint is one thing that the admin port serves.
type endpoint struct {
	pattern string // of http.ServeMux
	is      string // for the page that lists all; empty leaves it out
	handler http.Handler
}

// endpoints lists what the admin port serves. Startup is true once the ports are bound and
// headway has tried the first upstream connections. Ready is true from then until headway
// begins to stop. Live is true as long as the process answers.
func (s *Sidecar) endpoints() []endpoint {
	own := func(h http.HandlerFunc) http.Handler { return loopbackOnly(h) }
	profiles := newProfiles()
	return []endpoint{
		{"GET /metrics", "metrics for Prometheus", s.scrapes.through(s.metrics.Handler())},
		{"GET /healthz/startup", "200 once headway has started", healthy(s.notStarted)},
		{"GET /healthz/ready", "200 while headway takes new requests", healthy(s.notReady)},
		{"GET /healthz/live", "200 while the process answers", healthy(func() string { return "" })},
		{"GET /api/v1/summary", "how traffic goes, as JSON: latencies of the last half minute, outcomes, SLOs", http.HandlerFunc(s.serveSummary)},
		{"GET /api/v1/open", "exchanges under way, as JSON, the longest silence first; ?limit=100", http.HandlerFunc(s.listOpen)},
		{"GET /api/v1/exchanges", "the last exchanges that ended, as JSON; ?limit=100", http.HandlerFunc(s.listExchanges)},
		{"GET /api/v1/exchanges/{id}", "", http.HandlerFunc(s.serveExchange)},
		{"GET /api/v1/stream", "all of these as they change, as server-sent events", s.hub},
		{"GET /api/v1/turns", "turns of sessions, open ones first, as JSON; ?limit=100", http.HandlerFunc(s.listTurns)},
		{"GET /api/v1/chains", "calls that failed at least once, as JSON; ?limit=100", http.HandlerFunc(s.listChains)},
		{"GET /api/v1/slo", "goodput and error budgets, as JSON", http.HandlerFunc(s.serveSLOs)},
		{"GET /api/v1/drift", "canaries and production beside the load test, as JSON", http.HandlerFunc(s.serveDrift)},
		{"/stop", "POST makes headway drain and exit (from this host only)", own(s.serveStop)},
		{"GET /debug/pprof/", "profiles of the program (for this host only)", own(profiles.one(pprof.Index))},
		{"GET /debug/pprof/profile", "", own(profiles.one(pprof.Profile))},
		{"GET /debug/pprof/symbol", "", own(pprof.Symbol)},
		{"GET /debug/pprof/trace", "", own(profiles.one(pprof.Trace))},
	}
}

// adminHandler serves the endpoints, and at / the live page, or a text that lists them.
func (s *Sidecar) adminHandler() http.Handler {
	mux, all := http.NewServeMux(), s.endpoints()
	for _, e := range all {
		mux.Handle(e.pattern, e.handler)
	}
	first := index(all)
	mux.Handle("GET /{$}", first)
	mux.Handle("GET "+page.Prefix, first)
	return newGuard(s.config.AdminListen, s.config.AdminHosts).before(s.pointing(mux))
}

// pointing serves mux, and tells a client whose path is nothing here where it may have
// wanted to go: an application with the wrong port in its base URL gets here.
func (s *Sidecar) pointing(mux *http.ServeMux) http.Handler {
	hint := "this is headway's admin port, and / lists what it serves; applications use HEADWAY_LISTEN=" + s.config.Listen
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			w = &signpost{ResponseWriter: w, hint: hint}
		}
		mux.ServeHTTP(w, r)
	})
}

// signpost is a ResponseWriter that puts a hint in the place of the body of a 404.
type signpost struct {
	http.ResponseWriter
	hint string
	used bool
}

// WriteHeader writes the head, and with 404 the hint as the body.
func (s *signpost) WriteHeader(status int) {
	if s.used = status == http.StatusNotFound; s.used {
		http.Error(s.ResponseWriter, s.hint, status)
		return
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write drops p if the hint takes its place.
func (s *signpost) Write(p []byte) (int, error) {
	if s.used {
		return len(p), nil
	}
	return s.ResponseWriter.Write(p)
}

// index serves the live page to a browser, and to others a text that lists the endpoints.
func index(all []endpoint) http.Handler {
	version := build.Info().Version
	var text strings.Builder
	var links []page.Link
	fmt.Fprintf(&text, "headway %s\n\n", version)
	for _, e := range all {
		if e.is == "" {
			continue
		}
		method, path, ok := strings.Cut(e.pattern, " ")
		if !ok {
			path = method
		}
		fmt.Fprintf(&text, "%-22s %s\n", path, e.is)
		links = append(links, page.Link{Path: path, Is: e.is})
	}
	browser := page.New(version, links)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if r.URL.Path != "/" || strings.Contains(r.Header.Get("Accept"), "text/html") {
			browser.ServeHTTP(w, r)
			return
		}
		_, _ = w.Write([]byte(text.String())) // a client that left needs no answer
	})
}
