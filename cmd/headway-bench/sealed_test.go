package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A client that verifies the certificate as nginx and headway do: nginx by its name, headway by the address
// in the URL.
func TestTheUpstreamsCertificateHoldsForItsNameAndAddress(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o, err := parseOptions([]string{"-scenario", "events-tls"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{options: o, dir: dir, authority: filepath.Join(dir, "authority.pem")}
	stop, err := b.startUpstream()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	authority, err := os.ReadFile(b.authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatalf("no certificate in %s", authority)
	}
	for _, name := range []string{upstreamName, "127.0.0.1"} {
		conn, err := tls.Dial("tcp", loopback(b.sealedPort), &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := conn.Write(appendRequest(nil, "", b.sealedPort, 0, 0, "")); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(body), "chat.completion") {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
	}
	if _, err := tls.Dial("tcp", loopback(b.sealedPort), &tls.Config{RootCAs: roots, ServerName: "other.test"}); err == nil {
		t.Error("the certificate holds for another name")
	}
}
