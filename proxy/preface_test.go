package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestTunnelsHTTP2: Go's client speaks it with prior knowledge to Go's server.
func TestTunnelsHTTP2(t *testing.T) {
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Proto+" "+r.Host+" "+string(body))
	})
	for _, secure := range []bool{false, true} {
		server := httptest.NewUnstartedServer(serve)
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Config.Protocols.SetHTTP2(true)
		server.EnableHTTP2 = true
		roots := x509.NewCertPool()
		if secure {
			server.StartTLS()
			roots.AddCert(server.Certificate())
		} else {
			server.Start()
		}
		f := newFixture(t, server.URL, func(c *proxy.Config, _ *tap.Config) { c.TLS = &tls.Config{RootCAs: roots} })
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		client := &http.Client{Transport: transport, Timeout: patience}
		for range 3 {
			answer, err := client.Post("http://"+f.addr+"/grpc.Service/Method", "application/grpc", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if want := "HTTP/2.0 " + f.addr + " hello"; string(got) != want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
		transport.CloseIdleConnections()
		f.stopNow()
		server.Close()
	}
}

func TestClosesHTTP2WithoutADefaultRoute(t *testing.T) {
	u := newUpstream(t, func(p *peer) { t.Errorf("the upstream got %.400q", p.rest()) })
	f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.Routes = []proxy.Route{newRoute(t, "/a", u.url)} })
	c := f.dial()
	c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	c.expectEnd()
}
