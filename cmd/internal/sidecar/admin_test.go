package sidecar

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// wired returns a sidecar that has no ports yet, with these variables too.
func wired(t *testing.T, variables ...string) *Sidecar {
	t.Helper()
	c, err := config.Read(append(variables, "HEADWAY_UPSTREAM=http://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// adminStatus returns the status with which the admin port answers a client at the
// address from.
func adminStatus(s *Sidecar, method, path, from string, headers ...http.Header) int {
	r := httptest.NewRequest(method, path, http.NoBody)
	r.RemoteAddr, r.Host = from, "127.0.0.1:8481"
	for _, h := range headers {
		maps.Copy(r.Header, h)
	}
	w := httptest.NewRecorder()
	s.adminHandler().ServeHTTP(w, r)
	return w.Code
}

func TestHealthFollowsTheLifeOfTheSidecar(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		started, stopping    bool
		startup, ready, live int
	}{
		{"starting", false, false, 503, 503, 200},
		{"serving", true, false, 200, 200, 200},
		{"stopping", true, true, 200, 503, 200},
		{"stopped while starting", false, true, 503, 503, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wired(t)
			s.started.Store(tt.started)
			s.stopping.Store(tt.stopping)
			for path, want := range map[string]int{"startup": tt.startup, "ready": tt.ready, "live": tt.live} {
				if got := adminStatus(s, "GET", "/healthz/"+path, "192.0.2.1:9"); got != want {
					t.Errorf("%s is %d, want %d", path, got, want)
				}
			}
		})
	}
}

func TestProfilesAreForLoopbackOnly(t *testing.T) {
	s := wired(t)
	for from, want := range map[string]int{
		"127.0.0.1:9": 200, "[::1]:9": 200, "[::ffff:127.0.0.1]:9": 200,
		"192.0.2.1:9": 404, "[2001:db8::1]:9": 404, "@": 404,
	} {
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/symbol"} {
			if got := adminStatus(s, "GET", path, from); got != want {
				t.Errorf("%s from %s is %d, want %d", path, from, got, want)
			}
		}
	}
}

func TestAdminPortServesNothingElse(t *testing.T) {
	s := wired(t)
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/metrics", 200},
		{"HEAD", "/healthz/live", 200},
		{"POST", "/metrics", 405},
		{"GET", "/", 200},
		{"GET", "/nothing", 404},
		{"GET", "/stop", 405},
		{"GET", "/debug/pprof/cmdline", 404},
	} {
		if got := adminStatus(s, tt.method, tt.path, "127.0.0.1:9"); got != tt.want {
			t.Errorf("%s %s is %d, want %d", tt.method, tt.path, got, tt.want)
		}
	}
}

func TestWrongPathPointsToTheRightPort(t *testing.T) {
	s := wired(t, "HEADWAY_LISTEN=127.0.0.1:9999")
	for _, tt := range []struct {
		method, path string
		status       int
		hint         bool
	}{
		{"POST", "/v1/chat/completions", 404, true},
		{"GET", "/v1/models", 404, true},
		{"POST", "/metrics", 405, false},
		{"GET", "/debug/pprof/", 404, false}, // from another host
	} {
		r, w := httptest.NewRequest(tt.method, tt.path, http.NoBody), httptest.NewRecorder()
		r.RemoteAddr, r.Host = "192.0.2.1:9", "127.0.0.1:8481"
		s.adminHandler().ServeHTTP(w, r)
		got := strings.Contains(w.Body.String(), "this is headway's admin port") && strings.Contains(w.Body.String(), "HEADWAY_LISTEN=127.0.0.1:9999")
		if w.Code != tt.status || got != tt.hint {
			t.Errorf("%s %s: %d %q", tt.method, tt.path, w.Code, w.Body)
		}
	}
}

func TestTheFirstPageSaysWhatIsWhere(t *testing.T) {
	s := wired(t)
	for accept, kind := range map[string]string{"*/*": "text/plain", "text/html,*/*": "text/html"} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Host = "localhost:8481"
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		s.adminHandler().ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, kind) && kind != http.DetectContentType(w.Body.Bytes()) {
			t.Errorf("asked for %s, got %s", accept, got)
		}
		for _, e := range s.endpoints() {
			_, path, _ := strings.Cut(e.pattern, " ")
			if e.is != "" && !strings.Contains(w.Body.String(), path) {
				t.Errorf("the page for %s does not name %s", accept, e.pattern)
			}
		}
	}
}

func TestProfilesHoldNothingUp(t *testing.T) {
	s := wired(t)
	for _, tt := range []struct {
		path string
		want int
	}{
		{"/debug/pprof/goroutine?debug=2", 400},
		{"/debug/pprof/goroutine?debug=1", 200},
		{"/debug/pprof/profile?seconds=86400", 400},
		{"/debug/pprof/profile?seconds=60.5", 400},
		{"/debug/pprof/trace?seconds=NaN", 400},
		{"/debug/pprof/trace?seconds=-1", 400},
		{"/debug/pprof/trace?seconds=0.01", 200},
		{"/debug/pprof/allocs?seconds=86400", 400},
	} {
		if got := adminStatus(s, "GET", tt.path, "127.0.0.1:9"); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.path, got, tt.want)
		}
	}
}

func TestOneProfileIsMadeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newProfiles(), httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/debug/pprof/profile", http.NoBody)
		var making sync.WaitGroup
		slow := p.one(func(http.ResponseWriter, *http.Request) { time.Sleep(30 * time.Second) })
		making.Go(func() { slow(httptest.NewRecorder(), r) })
		synctest.Wait()
		slow(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("a second one is %d", w.Code)
		}
		making.Wait()
		w = httptest.NewRecorder()
		slow(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("after the first one it is %d", w.Code)
		}
	})
}
