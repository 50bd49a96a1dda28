package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// webConfig writes a web configuration beside a certificate for 127.0.0.1, and
// returns the paths of both.
func webConfig(t *testing.T, text string) (config, certificate string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		"web.yml":  []byte(text),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "web.yml"), filepath.Join(dir, "cert.pem")
}

const (
	withTLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
	// The hash is that of bcrypt for "tell-me", at the lowest cost.
	withUser = "basic_auth_users: {scraper: $2a$04$OoSfymkE9OApNA0T1Ghhz.Ced6saY6FGpHZDEAGtx4utSi.3Lhm8S}\n"
)

func TestAdminPortHasTheTLSAndPasswordOfTheWebConfiguration(t *testing.T) {
	file, certificate := webConfig(t, withTLS+withUser)
	r := startRun(t, map[string]string{"UPSTREAM": nowhere, "PREWARM": "0", "ADMIN_WEB_CONFIG": file})
	base := "https://" + r.admin
	if code, _, stderr := headway(t, "wait", "--admin", base, "--ca", certificate, "--timeout", "10s"); code != 0 {
		t.Fatalf("wait: exit code %d: %s", code, stderr)
	}
	client := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		Timeout:   interop.Patience,
	}
	for _, tt := range []struct {
		path, password string
		want           int
	}{
		{"/metrics", "", 401},
		{"/metrics", "guess", 401},
		{"/metrics", "tell-me", 200},
		{"/debug/pprof/", "", 401},
		{"/debug/pprof/", "tell-me", 200},
		{"/healthz/ready", "", 200},
		{"/healthz/../metrics", "", 401},
		{"/healthz/nothing", "", 404},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+tt.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if tt.password != "" {
			request.SetBasicAuth("scraper", tt.password)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("%s with %q: %s, want %d", tt.path, tt.password, response.Status, tt.want)
		}
	}
	code, _, stderr := headway(t, "wait", "--admin", base, "--timeout", "2s")
	if code != 1 || !strings.Contains(stderr, "certificate") {
		t.Errorf("a certificate without a known authority: exit code %d: %s", code, stderr)
	}
	if got := interop.Status("http://" + r.admin + "/healthz/live"); got == 200 {
		t.Error("answers without TLS")
	}
	if code, _, stderr := headway(t, "stop", "--wait", "--insecure", "--admin", base); code != 0 {
		t.Errorf("stop: exit code %d: %s", code, stderr)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("the sidecar's exit code is %d", code)
	}
}

func TestWebConfigurationIsCheckedBeforeAPortIsBound(t *testing.T) {
	good, _ := webConfig(t, withTLS+withUser)
	for name, tt := range map[string]struct{ file, want string }{
		"a good one":                {good, ""},
		"none there":                {"missing.yml", "missing.yml"},
		"a key nobody knows":        {first(webConfig(t, "basic_auth: {}\n")), "basic_auth"},
		"a certificate not there":   {first(webConfig(t, "tls_server_config: {cert_file: no.pem, key_file: key.pem}\n")), "no.pem"},
		"a password in clear":       {first(webConfig(t, "basic_auth_users: {scraper: tell-me}\n")), "bcrypt"},
		"a certificate without key": {first(webConfig(t, "tls_server_config: {cert_file: cert.pem}\n")), "key_file"},
	} {
		_, err := config.Read([]string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_ADMIN_WEB_CONFIG=" + tt.file})
		if (err == nil) != (tt.want == "") || (err != nil && (!strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "HEADWAY_ADMIN_WEB_CONFIG: "))) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "tell-me") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
}

func first(path, _ string) string { return path }
