package sidecar

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// guard keeps web pages away from the admin port. A page that a developer has open can make
// the browser ask any address, this one too. The browser lets the page read the answer if the
// page's own name leads here, which its owner can arrange at any time (DNS rebinding): then the
// request is like every other one, but for its Host.
type guard struct {
	loopback bool     // nobody else can reach the port
	names    []string // of this port, beside those that are always right; in lower case
}

// newGuard returns the guard of the port at listen, a host:port, which has these names too.
func newGuard(listen string, names []string) guard {
	host, _, _ := net.SplitHostPort(listen)
	g := guard{loopback: host == "localhost" || isLoopback(host)}
	for _, name := range append(names, host) {
		if name != "" {
			g.names = append(g.names, plain(name))
		}
	}
	if own, err := os.Hostname(); err == nil && !g.loopback {
		g.names = append(g.names, plain(own))
	}
	return g
}

// before lets through to next only requests that no foreign page can have made. Health is
// for everybody: kubelets choose the Host of their probes, and one bit is no secret.
func (g guard) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "DENY")
		switch {
		case strings.HasPrefix(r.URL.Path, "/healthz/"):
		case !g.knows(r.Host):
			http.Error(w, "this host name is none of headway's admin port; HEADWAY_ADMIN_HOSTS lists more: headway.example.com, for example", http.StatusMisdirectedRequest)
			return
		case foreign(r):
			http.Error(w, "not for pages of other sites", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knows says whether host, perhaps with a port, is a name of this port. An address is: no
// page has one as its name unless it came from there. So is a name that nobody can own in the
// public DNS, if others than this host can reach the port.
func (g guard) knows(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	host = plain(host)
	switch {
	case host == "", host == "localhost", slices.Contains(g.names, host):
		return true // a request without Host comes from no browser
	case g.loopback:
		return isLoopback(host)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc(privateDomains(), func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// privateDomains are those under which no name can be had in the public DNS: of Kubernetes'
// services, and those that RFC 6761, RFC 6762, RFC 8375 and ICANN (2024) have set aside.
func privateDomains() []string {
	return []string{".svc", ".cluster.local", ".local", ".localhost", ".internal", ".home.arpa"}
}

// foreign says whether a browser made r for a page of another site. A person who follows a
// link may come here: nobody but that person sees the answer.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || !strings.EqualFold(u.Host, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// plain is a host in lower case, without brackets, zone and the dot at its end.
func plain(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// loopbackOnly answers 404 to every client that is not on this host.
func loopbackOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !isLoopback(host) {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}
}
