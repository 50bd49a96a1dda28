package sidecar

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

const (
	adminHeadTimeout = 2 * time.Second
	adminReadTimeout = 10 * time.Second
	// adminWriteTimeout is longer than a profile may take. A scrape has times of its own.
	adminWriteTimeout = maxProfile + 15*time.Second
	// adminIdleTimeout is longer than most intervals of scrapes.
	adminIdleTimeout = 2 * time.Minute
	adminHeadBytes   = 16 << 10
)

// adminServer serves metrics and health to everyone, and profiles and /stop to this host.
func (s *Sidecar) adminServer() *http.Server {
	return &http.Server{
		Handler: s.adminHandler(), ReadHeaderTimeout: adminHeadTimeout, ReadTimeout: adminReadTimeout,
		WriteTimeout: adminWriteTimeout, IdleTimeout: adminIdleTimeout, MaxHeaderBytes: adminHeadBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // a client that breaks off its handshake is no problem of headway
	}
}

// serveAdmin serves the admin port, with TLS and basic authentication if the web
// configuration says so, until the server is shut down.
func (s *Sidecar) serveAdmin(admin *http.Server) error {
	gate := newAdminGate(s.admin)
	admin.ConnState = gate.note
	if s.web == nil {
		return admin.Serve(gate)
	}
	handler := admin.Handler
	// web.Serve first replaces the handler by one that asks for a password, then calls
	// BaseContext, then accepts the first connection.
	admin.BaseContext = func(net.Listener) context.Context {
		admin.Handler = openToAll(handler, admin.Handler)
		return context.Background()
	}
	return web.Serve(gate, admin, &web.FlagConfig{WebConfigFile: &s.web.copy.path}, s.log)
}

// openToAll serves health and /stop through open, and everything else through guarded.
// Probes cannot log in, and health reveals only one bit to them. Only this host can use
// /stop.
func openToAll(open, guarded http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/healthz/") || r.URL.Path == "/stop" {
			open.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// notStarted returns the reason why startup is not over, or "" when it is.
func (s *Sidecar) notStarted() string {
	if !s.started.Load() {
		return "starting: upstreams are being tried"
	}
	return ""
}

// notReady returns the reason why clients should send no new requests, or "" when they
// may.
func (s *Sidecar) notReady() string {
	if s.stopping.Load() {
		return "stopping"
	}
	return s.notStarted()
}

// serveStop makes the sidecar stop. It answers at once, before the sidecar has stopped.
func (s *Sidecar) serveStop(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST stops the sidecar", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Origin") != "":
		// Browsers send Origin with every POST. A web page in a browser on this host
		// must not stop the sidecar, whatever host name the page uses for 127.0.0.1.
		http.Error(w, "not for pages in a browser", http.StatusForbidden)
		return
	}
	s.askToStop()
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte("stopping\n"))
}

// healthy answers 200 if whyNot returns "", and otherwise 503 with the reason.
func healthy(whyNot func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if why := whyNot(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // a client that left needs no answer
	}
}
