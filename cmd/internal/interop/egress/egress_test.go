//go:build interop

// Package egress_test has headway reach its upstream through a real HTTP proxy.
package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// outside is an address of this machine that is not the loopback's, which no rule about
// proxies concerns.
func outside(t *testing.T) net.IP {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP
		}
	}
	t.Skip("this machine has no address but the loopback's")
	return nil
}

// certify makes a certificate for an address, and a file with it.
func certify(t *testing.T, ip net.IP) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "model"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{ip}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// model starts an https upstream that streams five tokens, and returns its URL.
func model(t *testing.T, ip net.IP, certificate tls.Certificate) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for range 5 {
			fmt.Fprint(w, `data: {"model":"m","choices":[{"index":0,"delta":{"content":"word"}}]}`+"\n\n")
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	})}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return "https://" + l.Addr().String()
}

// tinyproxy starts an HTTP proxy with a password that lets nobody connect but to a port. It
// returns its address and its log.
func tinyproxy(t *testing.T, port string) (address, log string) {
	t.Helper()
	exe, err := exec.LookPath("tinyproxy")
	if err != nil {
		t.Fatalf("tinyproxy is missing: run .ci/interop/install (%v)", err)
	}
	address, log = interop.FreeAddress(t), filepath.Join(t.TempDir(), "tinyproxy.log")
	host, listens, _ := net.SplitHostPort(address)
	file := filepath.Join(t.TempDir(), "tinyproxy.conf")
	text := fmt.Sprintf("Port %s\nListen %s\nTimeout 60\nMaxClients 20\nLogFile %q\nLogLevel Connect\nBasicAuth me s3cret\nConnectPort %s\n", listens, host, log, port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	interop.Start(t, nil, exe, "-d", "-c", file)
	interop.Eventually(t, interop.Patience, func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return address, log
}

// TestInteropEgressThroughTinyproxy streams through the proxy with the right password, and
// learns why there is no tunnel with a wrong one, and to a port that the proxy forbids.
func TestInteropEgressThroughTinyproxy(t *testing.T) {
	ip := outside(t)
	certificate, roots := certify(t, ip)
	upstream, forbidden := model(t, ip, certificate), model(t, ip, certificate)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(upstream, "https://"))
	address, log := tinyproxy(t, port)
	program := interop.Build(t)
	ask := func(s *interop.Sidecar) (int, string) {
		t.Helper()
		response, err := http.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	s := program.StartSidecar(t, upstream, "SSL_CERT_FILE="+roots, "HTTPS_PROXY=http://me:s3cret@"+address)
	for range 2 {
		if status, body := ask(s); status != 200 || strings.Count(body, "word") != 5 {
			t.Errorf("%d %s", status, body)
		}
	}
	lines := s.Lines(t)
	if len(lines) != 2 || lines[0].Outcome != "ok" || lines[1].Outcome != "ok" {
		t.Errorf("captured %+v", lines)
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "CONNECT "+strings.TrimPrefix(upstream, "https://")) {
		t.Errorf("the proxy knows nothing of it: %v\n%s", err, text)
	}
	for _, tt := range []struct{ upstream, proxy, want string }{
		{upstream, "http://me:wr0ng@" + address, `it answered \"401 Unauthorized\"`},
		{forbidden, "http://me:s3cret@" + address, `it answered \"403 Access violation\"`},
	} {
		s := program.StartSidecar(t, tt.upstream, "SSL_CERT_FILE="+roots, "HTTPS_PROXY="+tt.proxy)
		if status, body := ask(s); status != 502 || !strings.Contains(body, tt.want) {
			t.Errorf("%d %s, want %s", status, body, tt.want)
		}
	}
	direct := program.StartSidecar(t, forbidden, "SSL_CERT_FILE="+roots, "HTTPS_PROXY=http://me:s3cret@"+address, "NO_PROXY="+ip.String())
	if status, body := ask(direct); status != 200 {
		t.Errorf("past the proxy: %d %s", status, body)
	}
}
