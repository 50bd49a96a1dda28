package proxy_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestHintsAtADoubledPath once for an upstream, and never at a query.
func TestHintsAtADoubledPath(t *testing.T) {
	const missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
	for _, tt := range []struct{ name, base, target, response, repeated string }{
		{"a version", "/v1", "/v1/models?key=SECRET", missing, "repeated=/v1 "},
		{"the end of a longer path", "/api/v1", "/v1/models", missing, "repeated=/v1 "},
		{"two segments", "/openai/v1", "/openai/v1/models", missing, "repeated=/openai/v1 "},
		{"no version", "/proxy", "/proxy/models", missing, "repeated=/proxy "},
		{"a version that works", "/v1", "/v1/models", okay, ""},
		{"another 404", "/v1", "/models", missing, ""},
		{"a segment that begins like it", "/v1", "/v1beta/models", missing, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				for {
					if _, err := p.tryMessage(); err != nil {
						return
					}
					p.sendAnyway(tt.response)
				}
			})
			log := new(lockedBuffer)
			f := newFixture(t, u.url+tt.base, func(c *proxy.Config, _ *tap.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
			c := f.dial()
			for range 3 {
				c.send("GET " + tt.target + " HTTP/1.1\r\nHost: a\r\n\r\n")
				c.expect(tt.response)
			}
			got := log.String()
			if n := strings.Count(got, "repeated="); n != min(1, len(tt.repeated)) || !strings.Contains(got, tt.repeated) || strings.Contains(got, "SECRET") {
				t.Errorf("logged\n%s", got)
			}
		})
	}
}

// TestUpgradeToHTTP2KeepsItsSettings, which Connection has to name.
func TestUpgradeToHTTP2KeepsItsSettings(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		head := p.head()
		if !strings.Contains(head, "HTTP2-Settings: AAMAAABk\r\n") || !strings.Contains(head, "Connection: Upgrade, HTTP2-Settings\r\n") {
			t.Errorf("the upstream got %q", head)
		}
		p.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	c.expect("HTTP/1.1 101 Switching Protocols\r\n")
	_ = c.Close()
}
