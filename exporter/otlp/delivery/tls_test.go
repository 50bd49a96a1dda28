package delivery_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{key: key, pool: x509.NewCertPool(), cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func (a authority) sign(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsCase is a client's configuration, and whether it can deliver.
type tlsCase struct {
	name    string
	client  *tls.Config
	mutual  bool // the server wants a certificate
	deliver bool
}

func TestTLSWithAnAuthorityOfOnesOwn(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	for _, c := range []tlsCase{
		{"trusted", &tls.Config{RootCAs: ours.pool}, false, true},
		{"another authority", &tls.Config{RootCAs: other.pool}, false, false},
		{"the system's roots", nil, false, false},
		{"mutual", &tls.Config{RootCAs: ours.pool, Certificates: []tls.Certificate{ours.sign(t)}}, true, true},
		{"mutual without a certificate", &tls.Config{RootCAs: ours.pool}, true, false},
		{"mutual with a certificate of another authority", &tls.Config{RootCAs: ours.pool, Certificates: []tls.Certificate{other.sign(t)}}, true, false},
	} {
		for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
			t.Run(string(protocol)+" "+c.name, func(t *testing.T) {
				serving := &tls.Config{Certificates: []tls.Certificate{ours.sign(t)}}
				if c.mutual {
					serving.ClientAuth, serving.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool
				}
				to := &collector{}
				cfg := quick(protocol, startTLS(t, to, protocol, serving))
				cfg.TLS, cfg.Insecure = c.client, false
				c.check(t, to, cfg)
			})
		}
	}
}

// startTLS serves to over TLS and returns the endpoint.
func startTLS(t *testing.T, to *collector, protocol delivery.Protocol, serving *tls.Config) string {
	t.Helper()
	if protocol == delivery.GRPC {
		return startGRPC(t, to, grpc.Creds(credentials.NewTLS(serving)))
	}
	server := httptest.NewUnstartedServer(&hooks{collector: to})
	server.Config.ErrorLog = (&journal{}).plain()
	server.TLS, server.EnableHTTP2 = serving, true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + "/v1/traces"
}

// check sends a request. When the two sides cannot trust each other, the queue must try
// again and not drop it.
func (c tlsCase) check(t *testing.T, to *collector, cfg delivery.Config) {
	tried := make(chan struct{}, 1000) // more dials than the test has time for
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		tried <- struct{}{}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	q := open(t, cfg)
	q.Send(spans(t, "a"), 3)
	if c.deliver {
		drain(t, q)
		wantDropped(t, q, 0)
		return
	}
	<-tried
	<-tried
	wantDropped(t, q, 0)
	if abandon(q) == nil {
		t.Error("no error at Close")
	}
	wantDropped(t, q, 3)
	if n := len(to.times()); n != 0 {
		t.Errorf("%d requests passed", n)
	}
}
