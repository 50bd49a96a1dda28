package lease_test

import (
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/lease"
)

func TestNameFollowsFromTheTargets(t *testing.T) {
	same := lease.Name([]string{"https://a x", "https://b y"})
	if other := lease.Name([]string{"https://b y", "https://a x", "https://a x"}); other != same {
		t.Errorf("%s in another order, %s", other, same)
	}
	for _, others := range [][]string{nil, {"https://a x"}, {"https://a x", "https://b z"}, {"https://a x\"https://b y"}} {
		if name := lease.Name(others); name == same {
			t.Errorf("%q have the same name", others)
		}
	}
	if _, _, err := lease.ParseName("n/" + same); err != nil {
		t.Error(err)
	}
}

func TestIdentityIsAnotherForEachProcess(t *testing.T) {
	a, b := lease.Identity("prober-7d4b9c"), lease.Identity("prober-7d4b9c")
	if a == b || !strings.HasPrefix(a, "prober-7d4b9c_") {
		t.Errorf("%s and %s", a, b)
	}
}

func TestParseName(t *testing.T) {
	for text, ok := range map[string]bool{
		"monitoring/prober": true, "a/b.c-d": true,
		"": false, "prober": false, "/prober": false, "monitoring/": false, "a/b/c": false, "a.b/c": false, "A/c": false, "a/c_d": false, "a/../b": false,
		strings.Repeat("a", 64) + "/b": false, "a/" + strings.Repeat("b", 254): false,
	} {
		namespace, name, err := lease.ParseName(text)
		if (err == nil) != ok || ok && namespace+"/"+name != text {
			t.Errorf("%q is %q, %q, %v", text, namespace, name, err)
		}
	}
}

// pod makes the credentials of a pod that trusts server.
func pod(t *testing.T, server *httptest.Server) (dir, host, port string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, "token", "first\n")
	write(t, dir, "namespace", "monitoring")
	write(t, dir, "ca.crt", certificate(server))
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err = net.SplitHostPort(at.Host)
	if err != nil {
		t.Fatal(err)
	}
	return dir, host, port
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func certificate(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// fetch asks for / as an Elector asks for its Lease.
func fetch(t *testing.T, s lease.Server) (token string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = s.Token(); err != nil {
		return "", err
	}
	response, err := s.Transport.RoundTrip(r)
	if err == nil {
		response.Body.Close()
	}
	return token, err
}

func TestPodReadsItsCredentialsAgain(t *testing.T) {
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	dir, host, port := pod(t, tls)
	s, err := lease.InCluster(host, port, dir)
	if err != nil {
		t.Fatal(err)
	}
	if namespace, err := lease.Namespace(dir); namespace != "monitoring" || err != nil {
		t.Errorf("namespace %q, %v", namespace, err)
	}
	if token, err := fetch(t, s); token != "first" || err != nil {
		t.Errorf("token %q, %v", token, err)
	}
	write(t, dir, "token", "second")
	if token, err := fetch(t, s); token != "second" || err != nil {
		t.Errorf("token %q, %v", token, err)
	}
	write(t, dir, "ca.crt", "nothing")
	if _, err := fetch(t, s); err == nil || !strings.Contains(err.Error(), "ca.crt has no certificate") {
		t.Errorf("with a broken authority: %v", err)
	}
	write(t, dir, "ca.crt", certificate(tls))
	if _, err := fetch(t, s); err != nil {
		t.Errorf("with the authority back: %v", err)
	}
}

func TestPodTrustsItsAuthorityAlone(t *testing.T) {
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.StartTLS()
	defer tls.Close()
	dir, host, port := pod(t, tls)
	write(t, dir, "ca.crt", another)
	s, err := lease.InCluster(host, port, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t, s); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("a server of another authority: %v", err)
	}
}

func TestCredentialsThatAreMissing(t *testing.T) {
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	if _, err := lease.InCluster("", "", t.TempDir()); !errors.Is(err, lease.ErrOutside) {
		t.Errorf("outside: %v", err)
	}
	for _, name := range []string{"token", "ca.crt"} {
		dir, host, port := pod(t, tls)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := lease.InCluster(host, port, dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		write(t, dir, name, "")
		if _, err := lease.InCluster(host, port, dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("with an empty %s: %v", name, err)
		}
	}
}

func TestAddressOfVersion6(t *testing.T) {
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	dir, _, _ := pod(t, tls)
	s, err := lease.InCluster("fd00::1", "443", dir)
	if err != nil || s.URL != "https://[fd00::1]:443" {
		t.Errorf("%q, %v", s.URL, err)
	}
}

// another is the certificate of an authority that signed nothing.
const another = `-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUAJJCPBi/Q2fpV0PG7/B4hu/kFpkwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTMwMTAzOTAxWhgP
MjEyNjExMDYxMDM5MDFaMBwxGjAYBgNVBAMMEWFub3RoZXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2w/qpG+D8z91AofEvfaKLTR6dfTmNCnD
qjbYynroIOVN7vClT6w1Irk/tSNbTCqihdEen3H5/NlEMa+Amk2t4qNTMFEwHQYD
VR0OBBYEFBvaVEv+cDQWTuGM4WAbFcroastiMB8GA1UdIwQYMBaAFBvaVEv+cDQW
TuGM4WAbFcroastiMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
Ur3u5zeTP4oUQW9tZWHezxeYNU+iZiLBNZ6TiJuWakECIB0Vo8vT1qqUko1WbRER
ZFGzQPxZsni2NNKBDw61Z/Kj
-----END CERTIFICATE-----
`
