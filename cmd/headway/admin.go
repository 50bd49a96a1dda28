package main

import (
	"net"
	"net/http"
	"net/http/pprof"
)

// adminHandler serves metrics and health. Startup: the ports are bound and the
// first upstream connections were tried. Ready: and it is not stopping. Live: the
// process answers.
func (s *sidecar) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.HandleFunc("GET /healthz/startup", healthy(s.started.Load))
	mux.HandleFunc("GET /healthz/ready", healthy(func() bool { return s.started.Load() && !s.stopping.Load() }))
	mux.HandleFunc("GET /healthz/live", healthy(func() bool { return true }))
	mux.HandleFunc("GET /debug/pprof/", loopbackOnly(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/profile", loopbackOnly(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/symbol", loopbackOnly(pprof.Symbol))
	mux.HandleFunc("GET /debug/pprof/trace", loopbackOnly(pprof.Trace))
	return mux
}

func healthy(ok func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !ok() {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // a client that left needs no answer
	}
}

// loopbackOnly hides h from everyone but this host.
func loopbackOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}
}
