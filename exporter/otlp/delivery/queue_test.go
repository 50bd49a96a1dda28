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
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

func TestHeadersAndCompressionReachTheCollector(t *testing.T) {
	headers := map[string]string{"Api-Key": "k1", "x-scope-orgid": "tenant, one"}
	for _, zipped := range []bool{false, true} {
		encoding := ""
		if zipped {
			encoding = "gzip"
		}
		t.Run("grpc "+encoding, func(t *testing.T) {
			to := &collector{}
			cfg := quick(delivery.GRPC, startGRPC(t, to))
			cfg.Headers, cfg.Gzip, cfg.UserAgent = headers, zipped, "headway/1.2"
			q := open(t, cfg)
			q.Send(spans(t, strings.Repeat("a", 1000)), 1)
			drain(t, q)
			wantNames(t, to.names(), []string{strings.Repeat("a", 1000)})
			for name, want := range map[string]string{
				"api-key": "k1", "x-scope-orgid": "tenant, one", "content-type": "application/grpc+proto",
				"user-agent": "headway/1.2 grpc-go/" + grpc.Version,
			} {
				if got := strings.Join(to.metadata.Get(name), "|"); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
		t.Run("http "+encoding, func(t *testing.T) {
			var got http.Header
			var path, length = "", int64(0)
			to := &hooks{reply: func(_ int, _ http.ResponseWriter, r *http.Request) {
				got, path, length = r.Header, r.URL.RequestURI(), r.ContentLength
			}}
			cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to)+"?a=b")
			cfg.Headers, cfg.Gzip, cfg.UserAgent = headers, zipped, "headway/1.2"
			q := open(t, cfg)
			q.Send([]byte(strings.Repeat("a", 1000)), 1)
			drain(t, q)
			wantNames(t, to.names(), []string{strings.Repeat("a", 1000)})
			for name, want := range map[string]string{
				"api-key": "k1", "x-scope-orgid": "tenant, one", "content-type": "application/x-protobuf",
				"user-agent": "headway/1.2", "content-encoding": encoding,
			} {
				if got.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, got.Get(name), want)
				}
			}
			if path != "/v1/traces?a=b" {
				t.Errorf("path is %s", path)
			}
			if zipped == (length >= 1000) {
				t.Errorf("body of %d bytes", length)
			}
		})
	}
}

func TestGzipIsOnTheWireWithGRPC(t *testing.T) {
	size := func(zipped bool) int64 {
		counted := &counting{}
		cfg := quick(delivery.GRPC, startGRPC(t, &collector{}))
		cfg.Gzip = zipped
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			counted.Conn = c
			return counted, err
		}
		q := open(t, cfg)
		q.Send(spans(t, strings.Repeat("a", 50_000)), 1)
		drain(t, q)
		return counted.written
	}
	if plain, zipped := size(false), size(true); plain < 50_000 || zipped > 5_000 {
		t.Errorf("%d bytes plain, %d zipped", plain, zipped)
	}
}

// counting counts what gRPC's one writer writes; it is read when the queue is closed.
type counting struct {
	net.Conn
	written int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.written += int64(len(p))
	return c.Conn.Write(p)
}

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

func TestTLSWithAnAuthorityOfOnesOwn(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	cases := []struct {
		name    string
		client  *tls.Config
		mutual  bool
		deliver bool
	}{
		{"trusted", &tls.Config{RootCAs: ours.pool}, false, true},
		{"another authority", &tls.Config{RootCAs: other.pool}, false, false},
		{"the system's roots", nil, false, false},
		{"mutual", &tls.Config{RootCAs: ours.pool, Certificates: []tls.Certificate{ours.sign(t)}}, true, true},
		{"mutual without a certificate", &tls.Config{RootCAs: ours.pool}, true, false},
		{"mutual with another's certificate", &tls.Config{RootCAs: ours.pool, Certificates: []tls.Certificate{other.sign(t)}}, true, false},
	}
	for _, c := range cases {
		for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
			t.Run(string(protocol)+" "+c.name, func(t *testing.T) {
				serving := &tls.Config{Certificates: []tls.Certificate{ours.sign(t)}}
				if c.mutual {
					serving.ClientAuth, serving.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool
				}
				to := &collector{}
				cfg := quick(protocol, "")
				if protocol == delivery.GRPC {
					cfg.Endpoint = startGRPC(t, to, grpc.Creds(credentials.NewTLS(serving)))
				} else {
					server := httptest.NewUnstartedServer(&hooks{collector: to})
					server.Config.ErrorLog = (&journal{}).plain()
					server.TLS, server.EnableHTTP2 = serving, true
					server.StartTLS()
					t.Cleanup(server.Close)
					cfg.Endpoint = server.URL + "/v1/traces"
				}
				cfg.TLS, cfg.Insecure = c.client, false
				tried := make(chan struct{}, 1000) // more dials than the test can last
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
				<-tried // what cannot be trusted is tried again, not dropped
				wantDropped(t, q, 0)
				if abandon(q) == nil {
					t.Error("no error at Close")
				}
				wantDropped(t, q, 3)
				if n := len(to.times()); n != 0 {
					t.Errorf("%d requests passed", n)
				}
			})
		}
	}
}

func TestOrderIsKeptWhileTheCollectorStumbles(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		to := &collector{answer: func(n int) error {
			if n%3 != 0 {
				return status.Error(codes.Unavailable, "")
			}
			return nil
		}}
		cfg := quick(delivery.GRPC, startGRPC(t, to))
		cfg.SpoolDir = dir
		q := open(t, cfg)
		for _, name := range numbered(0, 100) {
			q.Send(spans(t, name), 1)
		}
		drain(t, q)
		wantNames(t, to.names(), numbered(0, 100))
		wantDropped(t, q, 0)
	}
}

func TestMetricsGoToTheirOwnService(t *testing.T) {
	to := &collector{}
	cfg := quick(delivery.GRPC, startGRPC(t, to))
	cfg.Signal = delivery.Metrics
	q := open(t, cfg)
	q.Send(gauge(t, "m"), 1)
	drain(t, q)
	wantNames(t, to.names(), []string{"m"})
}

// In a bubble Send's cost is exact: a Send that waited for anything would let time go by,
// or deadlock.
func TestASlowCollectorCostsSendNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		to := &collector{answer: func(int) error { time.Sleep(9 * time.Second); return nil }}
		serveGRPC(t, network, to)
		q := open(t, delivery.Config{Signal: delivery.Traces, Protocol: delivery.GRPC, Endpoint: "passthrough:///collector", Insecure: true, Dial: network.dial})
		start := time.Now()
		for _, name := range numbered(0, 50) {
			q.Send(spans(t, name), 1)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("50 sends took %v", d)
		}
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 50*9*time.Second {
			t.Errorf("drained after %v", d)
		}
		wantNames(t, to.names(), numbered(0, 50))
	})
}

func TestMemoryDropsTheOldestAtItsBound(t *testing.T) {
	release, first := make(chan struct{}), make(chan struct{})
	to := &hooks{reply: func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 0 {
			close(first)
			<-release
		}
	}}
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.MaxBytes = 10
	q := open(t, cfg)
	q.Send([]byte("a"), 1)
	<-first // a is being sent: it is not dropped, and takes its room
	for i, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		q.Send([]byte(name), 10+i)
	}
	wantDropped(t, q, 0)
	if q.Bytes() != 10 {
		t.Errorf("%d bytes wait, want 10", q.Bytes())
	}
	q.Send([]byte("kkk"), 1) // b, c, d go
	wantDropped(t, q, 10+11+12)
	q.Send([]byte("llllllllll"), 100) // takes all that there is, and a is there: everything goes
	wantDropped(t, q, 10+11+12+13+14+15+16+17+18+1+100)
	q.Send([]byte("m"), 1)
	q.Send([]byte("nnnnnnnnnnn"), 1000) // larger than the bound: costs the others nothing
	wantDropped(t, q, 10+11+12+13+14+15+16+17+18+1+100+1000)
	if q.Bytes() != 2 {
		t.Errorf("%d bytes wait, want 2", q.Bytes())
	}
	close(release)
	drain(t, q)
	wantNames(t, to.names(), []string{"a", "m"})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		asked := make(chan struct{}, 1)
		to := &hooks{reply: func(_ int, w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
			w.WriteHeader(http.StatusInternalServerError)
		}}
		cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
		cfg.SpoolDir = dir
		q := open(t, cfg)
		for range 5 {
			q.Send([]byte("a"), 2)
		}
		<-asked
		err := abandon(q)
		if dir == "" {
			if err == nil || !strings.Contains(err.Error(), "10 items") {
				t.Errorf("error %v", err)
			}
			wantDropped(t, q, 10)
		} else {
			if err != nil {
				t.Errorf("error %v, though nothing was lost", err)
			}
			wantDropped(t, q, 0)
		}
		q.Send([]byte("late"), 7)
		if dir == "" {
			wantDropped(t, q, 17)
		} else {
			wantDropped(t, q, 7)
		}
	}
}
