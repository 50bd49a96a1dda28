package sidecar

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheAdminPortAnswersToItsNamesOnly(t *testing.T) {
	const loopback, everywhere = "127.0.0.1:8481", "0.0.0.0:8481"
	for _, tt := range []struct {
		name, listen, host string
		want               int
	}{
		{"its address", loopback, "127.0.0.1:8481", 200},
		{"another port, forwarded", loopback, "localhost:9999", 200},
		{"IPv6", loopback, "[::1]:8481", 200},
		{"capitals and a dot at the end", loopback, "LOCALHOST.:8481", 200},
		{"no Host, which no browser sends", loopback, "", 200},
		{"a name that was rebound to loopback", loopback, "attacker.example", 421},
		{"with a port", loopback, "attacker.example:8481", 421},
		{"a name that begins like an address", loopback, "127.0.0.1.attacker.example", 421},
		{"an address of others, on loopback", loopback, "192.0.2.7:8481", 421},
		{"a configured name", loopback, "headway.example.com", 200},
		{"a name below a configured one", loopback, "x.headway.example.com", 421},

		{"a pod's address", everywhere, "10.1.2.3:8481", 200},
		{"a pod's IPv6 address", everywhere, "[fd00::7%eth0]:8481", 200},
		{"a container's name", everywhere, "sidecar:8481", 200},
		{"a service", everywhere, "headway.apps.svc:8481", 200},
		{"a service in full", everywhere, "headway.apps.svc.cluster.local:8481", 200},
		{"a name of the public DNS", everywhere, "attacker.example:8481", 421},
		{"one that only looks like a service", everywhere, "headway.svc.attacker.example", 421},
		{"a name that it listens on", "metrics.example.com:8481", "metrics.example.com:8481", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := guarded(newGuard(tt.listen, []string{"headway.example.com"}), "/metrics", tt.host, nil); got != tt.want {
				t.Errorf("%q at %s is %d, want %d", tt.host, tt.listen, got, tt.want)
			}
		})
	}
}

func TestProbesMayUseAnyHost(t *testing.T) {
	g := newGuard("0.0.0.0:8481", nil)
	for path, want := range map[string]int{"/healthz/live": 200, "/healthz": 421, "/metrics": 421, "/": 421} {
		if got := guarded(g, path, "probe.example.com", nil); got != want {
			t.Errorf("%s is %d, want %d", path, got, want)
		}
	}
}

func TestPagesOfOtherSitesGetNothing(t *testing.T) {
	g := newGuard("127.0.0.1:8481", nil)
	for _, tt := range []struct {
		name string
		in   map[string]string
		want int
	}{
		{"a script", nil, 200},
		{"an address that somebody typed", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"headway's own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8481"}, 200},
		{"a link that somebody follows", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"a frame", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"an image", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		{"another port of this host", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403},
		{"a browser that tells the origin only", map[string]string{"Origin": "https://attacker.example"}, 403},
		{"a page without an origin", map[string]string{"Origin": "null"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := guarded(g, "/metrics", "localhost:8481", tt.in); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

// guarded returns the status of a request that comes through g to a page that is there.
func guarded(g guard, path, host string, headers map[string]string) int {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Host = host
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	g.before(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}
