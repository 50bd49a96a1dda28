package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// fakeAdmin starts an admin port that answers ready from the given request on, counted
// from 1; with 0 it never does.
func fakeAdmin(t *testing.T, readyFrom int64) (url string, stops *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	stops = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/stop":
			stops.Add(1)
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Path == "/healthz/startup":
		case r.URL.Path != "/healthz/ready":
			http.NotFound(w, r)
		case readyFrom == 0 || asked.Add(1) < readyFrom:
			http.Error(w, "stopping", http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, stops
}

// headway runs a command of headway inside the test's process.
func headway(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = dispatch(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestWaitEndsWhenTheSidecarIsReady(t *testing.T) {
	ready, _ := fakeAdmin(t, 3)
	never, _ := fakeAdmin(t, 0)
	nobody := "http://" + interop.FreeAddress(t)
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"in the end it is", []string{"--admin", ready}, 0, ""},
		{"it never is", []string{"--admin", never, "--timeout", "250ms"}, 1, "headway wait: not ready within 250ms: GET " + never + "/healthz/ready: 503 Service Unavailable: stopping\n"},
		{"startup is over", []string{"--admin", never, "--for", "startup"}, 0, ""},
		{"nothing listens", []string{"--admin", nobody, "--timeout", "50ms"}, 1, "connection refused"},
		{"it is not ready and there is a command", []string{"--admin", never, "--timeout", "50ms", "--", "sh", "-c", "exit 0"}, 1, "not ready within"},
		{"an unknown goal", []string{"--for", "lunch"}, 2, `--for: "lunch"`},
		{"a negative timeout", []string{"--timeout", "-1s"}, 2, "--timeout: -1s is negative"},
		{"an address", []string{"--admin", "127.0.0.1:8481"}, 2, `--admin: "127.0.0.1:8481" is no http or https URL`},
		{"no certificate", []string{"--admin", ready, "--ca", "wait_test.go"}, 2, "--ca: no certificate in wait_test.go"},
		{"nothing to stop after", []string{"--admin", ready, "--stop"}, 2, "--stop needs a command"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := headway(t, append([]string{"wait"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) || (tt.stderr == "" && stderr != "") {
				t.Errorf("exit code %d, want %d: %q, want %q", code, tt.code, stderr, tt.stderr)
			}
		})
	}
}

func TestWaitStopsTheSidecarAfterTheCommandAndExitsAsItDid(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		ready        int64
		code         int
		stdout       string
	}{
		{"success", "echo done", 1, 0, "done\n"},
		{"failure", "echo sorry; exit 3", 1, 3, "sorry\n"},
		{"death by a signal", "kill -TERM $$", 1, 128 + 15, ""},
		{"the sidecar is never ready", "echo done", 0, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, stops := fakeAdmin(t, tt.ready)
			code, stdout, stderr := headway(t, "wait", "--admin", url, "--timeout", "200ms", "--stop", "--", "sh", "-c", tt.script)
			if code != tt.code || stdout != tt.stdout || stops.Load() != 1 {
				t.Errorf("exit code %d, printed %q and %q, asked %d times to stop", code, stdout, stderr, stops.Load())
			}
		})
	}
	t.Run("a command that is not there", func(t *testing.T) {
		url, stops := fakeAdmin(t, 1)
		code, _, stderr := headway(t, "wait", "--admin", url, "--stop", "--", "./no-such-command")
		if code != 1 || !strings.Contains(stderr, "starting the command") || stops.Load() != 1 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("a real sidecar, and then none", func(t *testing.T) {
		r := startRun(t, map[string]string{"UPSTREAM": nowhere, "PREWARM": "0"})
		admin := "http://" + r.admin
		code, _, stderr := headway(t, "wait", "--admin", admin, "--stop", "--", "sh", "-c", fmt.Sprintf("kill -0 %d", os.Getpid()))
		if exit := r.exit(t); exit != 0 || code != 0 || stderr != "" {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		code, _, stderr = headway(t, "wait", "--admin", admin, "--timeout", "50ms", "--stop", "--", "true")
		if code != 1 || !strings.Contains(stderr, "asking the sidecar to stop: ") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

func TestStopAsksAndWaitsUntilTheSidecarIsGone(t *testing.T) {
	r := startRun(t, map[string]string{"UPSTREAM": nowhere, "PREWARM": "0"})
	admin := "http://" + r.admin
	if code, _, stderr := headway(t, "stop", "--wait", "--admin", admin); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !interop.Refuses(r.admin) {
		t.Error("is still there")
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("the sidecar's exit code is %d", code)
	}
	code, _, stderr := headway(t, "stop", "--admin", admin)
	if code != 1 || !strings.Contains(stderr, "asking the sidecar to stop: ") {
		t.Errorf("without a sidecar: exit code %d: %s", code, stderr)
	}
}

func TestStopSaysWhyItFailed(t *testing.T) {
	busy, _ := fakeAdmin(t, 0)
	foreign := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(foreign.Close)
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"from elsewhere", []string{"--admin", foreign.URL}, 1, "404 Not Found: 404 page not found; the sidecar takes this request over loopback only"},
		{"it stays", []string{"--admin", busy, "--wait", "--timeout", "250ms"}, 1, "the sidecar is still there: "},
		{"a negative timeout", []string{"--timeout", "-1s"}, 2, "--timeout: -1s is negative"},
		{"an argument", []string{"now"}, 2, `unexpected argument "now"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := headway(t, append([]string{"stop"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d: %q, want %q", code, tt.code, stderr, tt.stderr)
			}
		})
	}
}

func TestAdminURLFollowsTheSidecarsSettings(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tls := write("tls_server_config: {cert_file: c.pem, key_file: k.pem}\n")
	plain := write("basic_auth_users: {a: b}\n")
	for _, tt := range []struct{ listen, web, want string }{
		{"", "", "http://127.0.0.1:8481"},
		{"0.0.0.0:9000", "", "http://127.0.0.1:9000"},
		{":9000", "", "http://127.0.0.1:9000"},
		{"[::]:9000", "", "http://[::1]:9000"},
		{"10.1.2.3:9000", "", "http://10.1.2.3:9000"},
		{"localhost:9000", "", "http://localhost:9000"},
		{"", tls, "https://127.0.0.1:8481"},
		{"", plain, "http://127.0.0.1:8481"},
	} {
		if got, err := adminURL(tt.listen, tt.web); got != tt.want || err != nil {
			t.Errorf("%q, %q: %q, %v, want %q", tt.listen, tt.web, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ listen, web, want string }{
		{"nowhere", "", "HEADWAY_ADMIN_LISTEN"},
		{"", "missing.yml", "HEADWAY_ADMIN_WEB_CONFIG"},
		{"", write("- no mapping"), "HEADWAY_ADMIN_WEB_CONFIG"},
	} {
		if _, err := adminURL(tt.listen, tt.web); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q, %q: %v", tt.listen, tt.web, err)
		}
	}
}

func TestWaitFindsTheSidecarByItsVariables(t *testing.T) {
	url, _ := fakeAdmin(t, 1)
	t.Setenv("HEADWAY_ADMIN_LISTEN", strings.TrimPrefix(url, "http://"))
	if code, _, stderr := headway(t, "wait", "--timeout", "5s"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
