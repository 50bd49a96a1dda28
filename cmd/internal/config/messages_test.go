package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// read reads an environment with an upstream that no listener of headway is.
func read(environ ...string) (config.Config, error) {
	return config.Read(append([]string{"HEADWAY_UPSTREAM=http://h"}, environ...))
}

// wrongValues returns values of a variable that headway must refuse. Those of variables
// that are free text stand here by name, all others follow from the type.
func wrongValues(v config.Variable) []string {
	if texts, ok := map[string][]string{
		"LISTEN":             {"8480", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:http-ish", "http://127.0.0.1:8480"},
		"ADMIN_LISTEN":       {"8481", "127.0.0.1:-1"},
		"TRANSPARENT_LISTEN": {"::8482", "0.0.0.0:99999"},
		"UPSTREAM":           {"api.openai.com", "localhost:8000", "https:/api.openai.com", "http//x", "ftp://h", "https://", "https://h:65536", "http://h:x"},
		"ROUTES":             {"/c", "/a=h:80"},
		"ADMIN_WEB_CONFIG":   {"/missing/web.yaml"},
		"PROBE_LEASE":        {"headway-prober", "monitoring/", "a/b/c", "on", "Monitoring/prober"},
		"ROLE":               {"sidecar", "Client"},
		"ADMIN_HOSTS":        {"headway.example.com:8481", "*.example.com"},
		"HISTOGRAMS":         {"sparse"},
		"SEMCONV":            {"v1.40"},
		"LABELS": {
			"tenant", "tenant=X-Tenant", "tenant=header", "tenant=headers:X-Tenant", "my-tenant=header:X-Tenant", "1tenant=header:X-Tenant", "__tenant=header:X-Tenant",
			"model=header:X-Model", "slo=header:X-SLO", "le=header:X", "namespace=header:X-Namespace", "tenant=header:X Tenant", "tenant=header:",
			"key=header:Authorization", "key=header:X-Api-Key", "session=header:Cookie",
		},
		"LABEL_KEY_FILE": {"/missing/label.key"},
		"LIMIT_HEADERS":  {"X-TTFT", "ttft", "ttft=", "ttft=X TTFT", "tttf=X-TTFT", "error=X-Error"},
		"CAPTURE_FILE":   {"/missing/capture.jsonl"},
		"SLO_FILE":       {"/missing/slos.yaml"},
		"PRICE_FILE":     {"/missing/prices.yaml"},
		"BASELINE_FILE":  {"/missing/baseline.json"},
		"PROBE_FILE":     {"/missing/probes.yaml"},
		"STATE_DIR":      {"/missing"},
		"SPOOL_DIR":      {"/missing/spool"},
		"PROPAGATE":      {"on"},
		"POD_NAME":       {"$(POD NAME)"},
		"POD_UID":        {"a b"},
		"POD_NAMESPACE":  {"größe"},
		"NODE_NAME":      {"a\tb"},
		"LOG_LEVEL":      {"verbose", "loud"},
		"LOG_FORMAT":     {"xml"},
	}[strings.TrimPrefix(v.Name, config.Prefix)]; ok {
		return texts
	}
	return map[config.Type][]string{
		config.Duration: {"10", "10 m", "10min", "-1s", "soon"},
		config.Bytes:    {"256MB", "1.5GiB", "0", "much"},
		config.Bool:     {"yes", "on", "2"},
		config.Int:      {"many", "-1", "1.5", "99999999999999999999"},
		config.Number:   {"5%", "half", "-0.5"},
	}[v.Type]
}

func TestEveryWrongValueIsShownWithARightOne(t *testing.T) {
	for _, v := range config.Variables() {
		wrong := wrongValues(v)
		if len(wrong) == 0 {
			t.Errorf("%s: the test has no wrong value of it", v.Name)
		}
		for _, value := range wrong {
			t.Run(v.Name+"="+value, func(t *testing.T) {
				_, err := read(v.Name + "=" + value)
				if err == nil {
					t.Fatal("headway accepts it")
				}
				about := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return !strings.HasPrefix(line, v.Name+": ") })
				if len(about) != 1 {
					t.Fatalf("there are %d lines about it in:\n%v", len(about), err)
				}
				_, example, _ := strings.Cut(about[0], "; for example "+v.Name+"=")
				if shown := strconv.Quote(strings.TrimPrefix(value, "/a=")); !strings.Contains(about[0], shown) || example == "" {
					t.Errorf("not the value and a right one: %s", about[0])
				}
				for _, internal := range []string{"strconv", "slog", "time:", "parsing"} {
					if strings.Contains(about[0], internal) {
						t.Errorf("words of the program: %s", about[0])
					}
				}
			})
		}
	}
}

// TestTheExamplesAreRight sets every variable to the example in its messages. Files and
// directories of the examples need not exist here.
func TestTheExamplesAreRight(t *testing.T) {
	for _, v := range config.Variables() {
		_, err := read(v.Name + "=" + wrongValues(v)[0])
		_, example, _ := strings.Cut(err.Error(), "; for example "+v.Name+"=")
		if _, err := read(v.Name + "=" + example); err != nil && !strings.HasPrefix(example, "/etc/") && !strings.HasPrefix(example, "/var/") {
			t.Errorf("%s=%s: %v", v.Name, example, err)
		}
	}
}

// TestAProblemIsOneLine, also if a library has several about it.
func TestAProblemIsOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(file, []byte("tls: 1\nbasic: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := read("HEADWAY_ADMIN_WEB_CONFIG=" + file)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "HEADWAY_ADMIN_WEB_CONFIG: "+strconv.Quote(file)) {
		t.Errorf("%v", err)
	}
}

func TestAMessageHasTheValueAsItWasWrittenAndNoSecret(t *testing.T) {
	for _, tt := range []struct{ name, variable, want string }{
		{"one slash", "UPSTREAM=https:/api.openai.com/v1", `"https:/api.openai.com/v1" has no :// behind its scheme: did you mean https://api.openai.com/v1?`},
		{"no colon", "UPSTREAM=http//x", `"http//x" has no :// behind its scheme: did you mean http://x?`},
		{"no scheme", "UPSTREAM=api.openai.com", `"api.openai.com" has no scheme: did you mean https://api.openai.com?`},
		{"two upstreams", "UPSTREAM=https://a.com,https://b.com", "the value has several URLs, and an upstream is one: write them into HEADWAY_ROUTES=/anthropic="},
		{"two upstreams with a blank", "UPSTREAM=https://a.com https://b.com", "the value has several URLs"},
		{"a blank before one upstream", "UPSTREAM= https://a.com", `" https://a.com" has a blank before it or behind it`},
		{"a comma in the password of a route", "ROUTES=/a=https://user:s3cret,word@h", `"https://h" has user info`},
		{"commas and a slash in the password of a route", "ROUTES=/a=https://user:s3cret,s3,cret@h,/b=https://x", `"https://h" has user info`},
		{"the sign of a fragment in the password of a proxy's user", "ADMIN_HOSTS=http://user:s3cret#x@h", `"http://…" is no list`},
		{"two routes with a semicolon", "ROUTES=/a=https://x;/b=https://y", `the route of prefix "/a" has another route in its URL: a comma separates routes`},
		{"two routes with a blank", "ROUTES=/a=https://x /b=https://y", "a comma separates routes"},
		{"two URLs of a route", "ROUTES=/a=https://x;https://y", `the route of prefix "/a" has several URLs`},
		{"a route without a URL", "ROUTES=/a=", `the route of prefix "/a" has no URL behind the =`},
		{"a prefix with a query", "ROUTES=/a?b=https://x", `prefix "/a" has a query or a fragment`},
		{"the prefix of all", "ROUTES=/=https://x", "the prefix / is every path: write the URL into HEADWAY_UPSTREAM"},
		{"a listener that is no address", "LISTEN=999.1.1.1:80", `"999.1.1.1:80" is not host:port: the host is no IP address`},
		{"a listener with a slip", "ADMIN_LISTEN=local,host:80", "no host has ',' in its name"},
		{"a timeout in which nothing happens", "CONNECT_TIMEOUT=1ns", `"1ns" is less than 1ms`},
		{"another", "REQUEST_HEADER_TIMEOUT=999us", `"999us" is less than 1ms`},
		{"the address of the admin port", "LISTEN=127.0.0.1:8481", `HEADWAY_LISTEN: "127.0.0.1:8481" cannot be bound beside HEADWAY_ADMIN_LISTEN (127.0.0.1:8481), which has the same port; for example HEADWAY_LISTEN=127.0.0.1:8480`},
		{"the address of traffic", "ADMIN_LISTEN=127.0.0.1:8480", `HEADWAY_ADMIN_LISTEN: "127.0.0.1:8480" cannot be bound beside HEADWAY_LISTEN`},
		{"a word near to a right one", "ROLE=sever", `"sever" is none of client, server: did you mean server?`},
		{"a level", "LOG_LEVEL=verbose", `"verbose" is none of debug, info, warn, error`},
		{"a duration", "DRAIN_TIMEOUT=-60s", `"-60s" is negative`},
		{"a number with zeros", "PREWARM=0999", `"0999" is not within 0 and 256`},
		{"a size", "SPOOL_MAX_BYTES=1023KiB", `"1023KiB" is less than 1MiB`},
		{"a password in a listener", "LISTEN=http://user:s3cret@h:80?key=s3cret", `"http://h:80" is not host:port`},
		{"a password in a word", "ROLE=https://user:s3cret@h", `"https://h" is none of`},
		{"a password in a size", "SPOOL_MAX_BYTES=user:s3cret@h", `"h" is no size`},
		{"a password in a file", "SLO_FILE=https://user:s3cret@h/slo.yaml?s3cret", `"https://h/slo.yaml": no such file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(config.Prefix + tt.variable)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestAnUpstreamThatLooksLikeAPlaceholderGivesAWarning(t *testing.T) {
	for _, tt := range []struct {
		name, variable string
		want           int
	}{
		{"of Azure's documentation", "HEADWAY_UPSTREAM=https://YOUR-RESOURCE.openai.azure.com", 1},
		{"two routes", "HEADWAY_ROUTES=/a=https://your-host,/b=https://api.placeholder.com", 2},
		{"a real name", "HEADWAY_UPSTREAM=https://yourself.example.com", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Read([]string{tt.variable})
			if err != nil || len(c.Warnings) != tt.want {
				t.Errorf("%v, %v", c.Warnings, err)
			}
		})
	}
}

func TestAPathThatRequestsHaveThemselvesGivesAWarning(t *testing.T) {
	for _, tt := range []struct{ name, variable, want string }{
		{"a version", "UPSTREAM=https://api.openai.com/v1", "HEADWAY_UPSTREAM: the path /v1 goes before the path of every request; " +
			"with OPENAI_BASE_URL=http://127.0.0.1:8480/v1 it would be there twice; write https://api.openai.com"},
		{"a version behind a path", "UPSTREAM=https://api.groq.com/openai/v1/", "the path /v1 goes before the path of every request; with OPENAI_BASE_URL=http://127.0.0.1:8480/v1 it would be there twice; write https://api.groq.com/openai"},
		{"an endpoint", "UPSTREAM=https://api.openai.com/v1/chat/completions", "write https://api.openai.com"},
		{"an endpoint of a route", "ROUTES=/a=https://api.openai.com/v1/chat/completions", "which names an endpoint itself; write /a=https://api.openai.com/v1"},
		{"a version as the prefix", "ROUTES=/v1=https://api.openai.com", "HEADWAY_ROUTES: headway strips the prefix /v1, so https://api.openai.com gets requests without it; " +
			"write /v1=https://api.openai.com/v1, or HEADWAY_UPSTREAM=https://api.openai.com"},
		{"a version as the prefix and the path", "ROUTES=/v1=https://api.openai.com/v1", ""},
		{"a version of a route, which gives it to every application", "ROUTES=/openai=https://api.openai.com/v1", ""},
		{"no path", "UPSTREAM=https://api.openai.com/", ""},
		{"another path", "UPSTREAM=https://gateway.example.com/team/openai", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Read([]string{config.Prefix + tt.variable})
			if err != nil || len(c.Warnings) > 1 || (tt.want != "") != (len(c.Warnings) == 1) {
				t.Fatalf("%v, %v", c.Warnings, err)
			}
			if tt.want != "" && !strings.Contains(c.Warnings[0].Error(), tt.want) {
				t.Errorf("%v, want %s", c.Warnings[0], tt.want)
			}
		})
	}
}
