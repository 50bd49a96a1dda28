package sidecar

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// The hashes are those of bcrypt for "tell-me", at the lowest cost.
	oneUser  = "basic_auth_users: {scraper: $2a$04$OoSfymkE9OApNA0T1Ghhz.Ced6saY6FGpHZDEAGtx4utSi.3Lhm8S}\n"
	twoUsers = "basic_auth_users:\n  scraper: $2a$04$OoSfymkE9OApNA0T1Ghhz.Ced6saY6FGpHZDEAGtx4utSi.3Lhm8S\n" +
		"  another: $2a$04$OoSfymkE9OApNA0T1Ghhz.Ced6saY6FGpHZDEAGtx4utSi.3Lhm8S\n"
)

// protected serves the admin port by the web configuration at path, and returns a function
// that asks it for metrics as a user and returns the status.
func protected(t *testing.T, path string) (s *Sidecar, ask func(user, password string) int) {
	t.Helper()
	s = wired(t, "HEADWAY_ADMIN_WEB_CONFIG="+path)
	var err error
	if s.admin, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	server := s.adminServer()
	go func() { _ = s.serveAdmin(server) }()
	t.Cleanup(func() { _ = server.Close() })
	return s, func(user, password string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.admin.Addr().String()+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
}

func TestAWebConfigurationIsNeverTurnedOffWhileHeadwayRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.yml")
	write := func(text string) func() error {
		return func() error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	if err := write(oneUser)(); err != nil {
		t.Fatal(err)
	}
	s, ask := protected(t, path)
	for _, step := range []struct {
		name            string
		do              func() error
		another, reload bool // the second user gets in; the newest content is in force
	}{
		{"at first", func() error { return nil }, false, true},
		{"emptied", write(""), false, false},
		{"without users", write("basic_auth_users: {}\n"), false, false},
		{"half written", write("basic_auth_users: {scraper: "), false, false},
		{"a user is added", write(twoUsers), true, true},
		{"of an unknown field", write(twoUsers + "basic_auth: {}\n"), true, false},
		{"made a directory", func() error { _ = os.Remove(path); return os.Mkdir(path, 0o700) }, true, false},
		{"removed", func() error { return os.Remove(path) }, true, false},
		{"back again", write(oneUser), false, true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		s.web.file.reload(false)
		if got := s.web.reloaded(); got != step.reload {
			t.Errorf("%s: in force: %v, want %v", step.name, got, step.reload)
		}
		if got := ask("", ""); got != http.StatusUnauthorized {
			t.Errorf("%s: without a password %d", step.name, got)
		}
		if got := ask("scraper", "tell-me"); got != http.StatusOK {
			t.Errorf("%s: with the password %d", step.name, got)
		}
		if got := ask("another", "tell-me") == http.StatusOK; got != step.another {
			t.Errorf("%s: another user gets in: %v", step.name, got)
		}
	}
}

func TestProtectionIsNeverLess(t *testing.T) {
	const tls, certificates = "tls_server_config: {cert_file: a}\n", "tls_server_config: {cert_file: a, client_auth_type: RequireAndVerifyClientCert}\n"
	for _, tt := range []struct{ name, before, after, want string }{
		{"passwords gone", oneUser + tls, tls, "password"},
		{"TLS gone", oneUser + tls, oneUser, "TLS"},
		{"certificates gone", certificates, tls, "client certificate"},
		{"more of it", tls, oneUser + certificates, ""},
	} {
		_, before, err := readWebConfig([]byte(tt.before), "/d")
		if err != nil {
			t.Fatal(err)
		}
		_, after, err := readWebConfig([]byte(tt.after), "/d")
		if err != nil {
			t.Fatal(err)
		}
		if got := before.without(after); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAWrongWebConfigurationIsRefusedAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(path, []byte("tls_server_config: {cert_file: missing.pem, key_file: missing.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w, err := newWebConfig(path, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("%+v is in force", w)
	}
}

// TestAWrongValueIsLoggedAsOne, with its line and without the value.
func TestAWrongValueIsLoggedAsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(path, []byte(oneUser), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	w, err := newWebConfig(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\nbasic_auth_users: s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.file.reload(false)
	if got := log.String(); !strings.Contains(got, "line 2: a single value stands where a mapping belongs") || strings.Contains(got, "s3cret") {
		t.Error(got)
	}
}
