//go:build interop

package redirect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// providerName is the host that the SDKs call without a base URL.
const providerName = "api.openai.com"

// provider stands for api.openai.com: its host has a simulated model server over HTTP
// and TLS, and an unrelated Redis server.
type provider struct {
	simulator atomic.Pointer[modelsim.Server]
	authority string // file of the authority's certificate
}

func startProvider(t *testing.T, h host) *provider {
	t.Helper()
	p := &provider{authority: filepath.Join(t.TempDir(), "authority.pem")}
	p.forget(t)
	certificate := p.certify(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.simulator.Load().Handler().ServeHTTP(w, r)
	})}
	t.Cleanup(func() { _ = server.Close() })
	plain := h.listen(t, "80")
	secure := tls.NewListener(h.listen(t, "443"), &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}})
	go func() { _ = server.Serve(plain) }()
	go func() { _ = server.Serve(secure) }()
	redis := h.command("redis-server", "--port", "6379", "--bind", "0.0.0.0", "::", "--protected-mode", "no", "--save", "", "--dir", t.TempDir())
	interop.Start(t, nil, redis[0], redis[1:]...)
	interop.Eventually(t, 10*time.Second, func() error {
		c, err := h.dial(t.Context(), "tcp", farV4+":6379")
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return p
}

// forget replaces the simulator by a new one, which has seen no exchanges.
func (p *provider) forget(t *testing.T) {
	t.Helper()
	c := modelsim.DefaultConfig()
	c.Seed = 1
	sim, err := modelsim.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	p.simulator.Store(sim)
}

// certify returns a certificate for the provider's name. The certificate signs itself,
// and clients know it only from the file p.authority.
func (p *provider) certify(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "headway's interop tests"}, DNSNames: []string{providerName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
