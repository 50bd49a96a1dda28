package proxy_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
)

func TestNewRoute(t *testing.T) {
	for _, tt := range []struct{ name, prefix, url, want string }{
		{"http on its port", "", "http://a", "http://a"},
		{"port and path", "/local", "https://a:8443/v1/", "/local=https://a:8443/v1"},
		{"a path that stays escaped", "", "http://a/x%2Fy", "http://a/x%2Fy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := proxy.NewRoute(tt.prefix, tt.url)
			if got := r.String(); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestNewRouteSaysWhatIsWrong and shows nothing that may be secret.
func TestNewRouteSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, prefix, url, want string }{
		{"no URL", "", "http://user:secret%zz@a", "is no URL"},
		{"no scheme", "", "//user:secret@a", "must start with http:// or https://"},
		{"a host and a port", "", "localhost:8000", `"localhost:8000" must start with http:// or https://`},
		{"another scheme", "", "ftp://user:secret@a", `"ftp://a" must start with`},
		{"no host", "", "http://:80?key=secret", `"http://:80" names no host`},
		{"one slash", "", "https:/user:secret@a/v1?key=secret", `"a/v1" names no host: write https:// before it`},
		{"three slashes", "", "https:///a/v1", `"https:///a/v1" names no host: write https:// before it`},
		{"no slash", "", "https:a/v1", `"https:a/v1" names no host: write https:// before it`},
		{"no colon", "", "http//a", `"http//a" must start with http:// or https://`},
		{"a user", "", "http://user:secret@a", `"http://a" must be scheme, host, port and path only`},
		{"a query", "", "http://a/v1?key=secret", `"http://a/v1" must be`},
		{"a fragment", "", "http://a#secret", `"http://a" must be`},
		{"a port that is none", "", "http://a:65536", `"http://a:65536" has no valid port`},
		{"a prefix without a slash", "a", "http://a", `prefix "a" must start with /`},
		{"a URL in place of the prefix", "https://user:secret@a/v1?key=secret", "http://a", `prefix "https://a/v1" must start with /`},
		{"a password that looks like a path", "", "http://user:12secret/secret@a", `"http://a" is no URL`},
		{"a prefix with one too many", "/a/", "http://a", `prefix "/a/" must start with /`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := proxy.NewRoute(tt.prefix, tt.url)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("told a secret: %v", err)
			}
		})
	}
}
