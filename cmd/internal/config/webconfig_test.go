package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestAWrongWebConfigurationIsNamedByLineAndKeyAndNeverByItsValue(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a file of another kind", "root:s3cret:0:0:root:/root:/bin/sh\ndaemon:s3cret:1:1\n", "line 1: a single value stands where a mapping belongs"},
		{"a password in place of the users", "basic_auth_users: s3cret\n", "line 1: a single value stands where a mapping belongs"},
		{"a list of users", "basic_auth_users:\n- scraper: s3cret\n", "line 2: a list stands where a mapping belongs"},
		{"a list as a password", "basic_auth_users:\n  scraper: [s3cret]\n", "line 2: a list stands where a text belongs"},
		{"a key with a slip", "basic_auth_user: {scraper: s3cret}\n", `line 1: there is no key "basic_auth_user"; did you mean basic_auth_users?`},
		{"a key of TLS with a slip", "tls_server_config: {cert_fil: s3cret}\n", `there is no key "cert_fil"; did you mean cert_file?`},
		{"a key twice", "basic_auth_users: {scraper: s3cret, scraper: s3cret}\n", `line 1: the key "scraper" is there twice`},
		{"an anchor", "basic_auth_users: {scraper: *s3cret}\n", "the file is no YAML that can be read"},
		{"a mapping as a key", "? {s3cret: 1}\n: s3cret\n", ""},
		{"no YAML", "basic_auth_users:\n  scraper: s3cret: s3cret\n", "line 2: this is no YAML: mapping values are not allowed"},
		{"half written", "basic_auth_users: {scraper: ", "this is no YAML: did not find expected"},
		{"a password in clear", "basic_auth_users: {scraper: s3cret}\n", "basic_auth_users is no bcrypt hash"},
		{"a long password in clear", "basic_auth_users: {scraper: " + strings.Repeat("s3cret", 20) + "}\n", "basic_auth_users is no bcrypt hash"},
		{"a version that does not exist", "tls_server_config: {cert_file: a, min_version: s3cret}\n", "min_version or max_version has a value that does not exist"},
		{"a cipher that does not exist", "tls_server_config: {cert_file: a, cipher_suites: [s3cret]}\n", "cipher_suites has a value that does not exist"},
		{"a header that cannot be", "http_server_config: {headers: {X-Frame-Options: s3cret}}\n", "X-Frame-Options"},
		{"a truth that is none", "http_server_config: {http2: s3cret}\n", "line 1: a single value stands where true or false belongs"},
		{"empty", "", "has no content"},
		{"a comment alone", "# later\n", "has no content"},
		{"no users", "basic_auth_users:\n", "basic_auth_users names no user"},
		{"no users beside a header", "basic_auth_users: {}\nhttp_server_config: {http2: false}\n", "basic_auth_users names no user"},
		{"no certificate", "tls_server_config: {cert_file: ''}\n", "tls_server_config names no certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "web.yml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := config.CheckWebConfig(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			for _, wrong := range []string{"s3cret", "web.", "map[", "!!", "unmarshal"} {
				if strings.Contains(strings.TrimPrefix(err.Error(), `"`+path+`"`), wrong) {
					t.Errorf("it has %q: %v", wrong, err)
				}
			}
		})
	}
}

func TestAWebConfigurationWithoutProtectionMayBeMeant(t *testing.T) {
	if err := config.ParseWebConfig([]byte("http_server_config: {http2: false}\n")); err != nil {
		t.Error(err)
	}
}
