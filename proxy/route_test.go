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
		{"an underscore, and a point at the end", "", "http://a_b.svc.", "http://a_b.svc."},
		{"an address with a zone", "", "http://[fe80::1%25eth0]:8000", "http://[fe80::1%eth0]:8000"},
		{"an address of IPv6", "", "http://[::1]", "http://[::1]"},
		{"an @ in the path", "", "https://a/models/claude@20250101", "https://a/models/claude@20250101"},
		{"a scheme in the path", "", "https://a/https://b", "https://a/https://b"},
		{"a scheme in capitals", "", "HTTPS://A.com", "https://A.com"},
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
		{"no URL", "", "http://user:secret@a/%zz", `"http://a/%zz" is no URL`},
		{"no scheme", "", "//user:secret@a", `has no scheme: did you mean http://a?`},
		{"a host and a port", "", "localhost:8000", `"localhost:8000" has no scheme: did you mean http://localhost:8000?`},
		{"an address and a port", "", "127.0.0.1:8000", `"127.0.0.1:8000" has no scheme: did you mean http://127.0.0.1:8000?`},
		{"a name alone", "", "api.openai.com/v1", `"api.openai.com/v1" has no scheme: did you mean https://api.openai.com/v1?`},
		{"another scheme", "", "ftp://user:secret@a", `"ftp://a" must start with`},
		{"no host", "", "http://:80?key=secret", `"http://:80" names no host`},
		{"one slash", "", "https:/user:secret@a/v1?key=secret", `"a/v1" has no scheme`},
		{"one slash and no secret", "", "https:/api.openai.com/v1", `"https:/api.openai.com/v1" has no :// behind its scheme: did you mean https://api.openai.com/v1?`},
		{"three slashes", "", "https:///a/v1", `"https:///a/v1" names no host: did you mean https://a/v1?`},
		{"no slash", "", "https:a/v1", `"https:a/v1" has no :// behind its scheme: did you mean https://a/v1?`},
		{"no colon", "", "http//a", `"http//a" has no :// behind its scheme: did you mean http://a?`},
		{"two schemes", "", "https://https://a/v1", `"https://https://a/v1" has two schemes: did you mean https://a/v1?`},
		{"two schemes, the second with one slash", "", "https://https:/a", `did you mean https://a?`},
		{"a user", "", "http://user:secret@a", `"http://a" has user info, which headway does not show: leave it out`},
		{"a query", "", "http://a/v1?key=secret", `"http://a/v1" has a query`},
		{"a fragment", "", "http://a#secret", `"http://a" has a fragment`},
		{"a blank", "", " http://a", `" http://a" has a blank before it or behind it`},
		{"quotes", "", `"http://a"`, `has quotes in the value: leave them out`},
		{"a semicolon", "", "https://a;", `"https://a;": no host has ';' in its name`},
		{"a comma", "", "https://api.openai,com", `no host has ',' in its name`},
		{"a blank in the host", "", "https://a b.com", `no host has ' ' in its name`},
		{"a placeholder", "", "https://<resource>.openai.azure.com", "write the real name in place of the placeholder"},
		{"user info before a placeholder", "", "https://user:secret@<host>", `"https://<host>" has user info`},
		{"a variable", "", "https://$RESOURCE.openai.azure.com", "was a variable not replaced?"},
		{"an escape", "", "https://a%2eb", `no host has '%' in its name`},
		{"two points", "", "https://host..com", "nothing between two points"},
		{"a point at first", "", "https://.com", "nothing between two points, or before the first"},
		{"a name outside ASCII", "", "https://größe.de", "begins with xn--"},
		{"an invisible character", "", "https://a\u200b.com", `no host has '\u200b' in its name`},
		{"an address that is none", "", "https://999.1.1.1", "the host is no IP address"},
		{"too few numbers", "", "http://10.1", "the host is no IP address"},
		{"an address in hexadecimal numbers", "", "http://0x7f.0.0.1:8480", "the host is no IP address"},
		{"an address as one number", "", "http://0x7f000001", "the host is no IP address"},
		{"a name that ends in a number", "", "http://model.1", "the host is no IP address"},
		{"a dash at the end", "", "https://a-.com", "no part of a host's name begins or ends with -"},
		{"a long part", "", "https://" + strings.Repeat("a", 64) + ".com", "at most 63 characters"},
		{"an address of IPv6 without brackets", "", "http://::1:80", "an address of IPv6 stands in brackets"},
		{"a prefix with a query", "/a?secret", "http://a", `prefix "/a" has a query or a fragment`},
		{"a port that is none", "", "http://a:65536", `"http://a:65536" has no valid port`},
		{"a prefix without a slash", "a", "http://a", `prefix "a" must start with /`},
		{"a URL in place of the prefix", "https://user:secret@a/v1?key=secret", "http://a", `prefix "https://a/v1" has a query or a fragment`},
		{"a password that looks like a path", "", "http://user:12secret/secret@a", `"http://a" is no URL`},
		{"a password with the sign of a fragment", "", "https://user:sec#secret@a/", `"https://…" is no URL`},
		{"a password with the sign of a query", "", "https://user:sec?secret@a", `"https://…" is no URL`},
		{"a password with both", "", "https://user:p@secret#word@a", `"https://…" has user info`},
		{"a password with a slash and a sign", "", "https://user:secret/sec#ret@a", `"https://…" is no URL`},
		{"a key with the sign of a fragment", "", "https://secret#key@a", `"https://…" has a fragment`},
		{"an escaped @", "", "https://user:secret%40a", `"https://a" is no URL`},
		{"a key before an escaped @", "", "https://secret%40a", `"https://a" is no URL`},
		{"a password without a scheme", "", "user:sec#secret@a", `must start with http:// or https://`},
		{"an @ in the query of a path", "", "https://a/v1?to=me@secret", `"https://a/v1" has a query`},
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
