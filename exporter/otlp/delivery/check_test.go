package delivery_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

func header(name, value string) func(*delivery.Config) {
	return func(c *delivery.Config) { c.Headers = map[string]string{name: value} }
}

func target(endpoint string) func(*delivery.Config) {
	return func(c *delivery.Config) { c.Endpoint = endpoint }
}

func httpTo(url string) func(*delivery.Config) {
	return func(c *delivery.Config) { c.Protocol, c.Endpoint = delivery.HTTPProtobuf, url }
}

func TestCheckRefusesConfigurationsThatCannotWork(t *testing.T) {
	for name, spoil := range map[string]func(*delivery.Config){
		"signal":                 func(c *delivery.Config) { c.Signal = "logs" },
		"protocol":               func(c *delivery.Config) { c.Protocol = "http/json" },
		"timeout":                func(c *delivery.Config) { c.Timeout = -1 },
		"backoff":                func(c *delivery.Config) { c.Backoff.Max = c.Backoff.First / 2 },
		"bound":                  func(c *delivery.Config) { c.MaxBytes = -1 },
		"small spool":            func(c *delivery.Config) { c.SpoolDir, c.MaxBytes = "spool", delivery.LeastSpoolBytes-1 },
		"no target":              target(""),
		"target with a user":     target("user:s3cret@collector:4317"),
		"target with a token":    target("s3cret@collector:4317"),
		"target with a bad URL":  target("dns://s3cret%zz/collector:4317"),
		"target without a port":  target("collector:"),
		"target's port":          target("collector:65536"),
		"no URL":                 httpTo("collector:4318"),
		"URL's scheme":           httpTo("ftp://user:s3cret@collector/"),
		"URL's port":             httpTo("http://user:s3cret@collector:65536/"),
		"malformed URL":          httpTo("http://user:s3cret%zz@collector/"),
		"gRPC's own header":      header("Grpc-Timeout", "s3cret"),
		"gRPC's content type":    header("content-type", "s3cret"),
		"header of HTTP/1":       header("Connection", "s3cret"),
		"pseudo-header":          header(":authority", "s3cret"),
		"header's name":          header("a s3cret", "b"),
		"empty header's name":    header("", "s3cret"),
		"name that gRPC refuses": header("a!b", "s3cret"),
		"value's line break":     header("a", "s3cret\n"),
		"value beyond ASCII":     header("a", "s3cret é"),
		"long value":             header("a", strings.Repeat("s3cret", 1<<14)),
		"header in two cases": func(c *delivery.Config) {
			c.Headers = map[string]string{"Api-Key": "s3cret", "api-key": "s3cret2"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quick(delivery.GRPC, "localhost:4317")
			spoil(&cfg)
			err := cfg.Check()
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a secret in %q", err)
			}
			if _, again := delivery.New(cfg); again == nil || !strings.HasSuffix(again.Error(), err.Error()) {
				t.Errorf("New says %v, Check %v", again, err)
			}
			if _, err := os.Stat("spool"); err == nil {
				t.Error("Check made the directory")
			}
		})
	}
}

func TestCheckAcceptsConfigurationsThatWork(t *testing.T) {
	for name, change := range map[string]func(*delivery.Config){
		"unchanged":                         func(*delivery.Config) {},
		"defaults":                          func(c *delivery.Config) { c.Timeout, c.Backoff = 0, delivery.Backoff{} },
		"small bound of memory":             func(c *delivery.Config) { c.MaxBytes = 1 },
		"spool of the default bound":        func(c *delivery.Config) { c.SpoolDir = "/nowhere" },
		"least spool":                       func(c *delivery.Config) { c.SpoolDir, c.MaxBytes = "/nowhere", delivery.LeastSpoolBytes },
		"target without a port":             target("collector"),
		"target by address":                 target("[::1]:4317"),
		"target by bare address":            target("::1"),
		"target by bracketed":               target("[::1]"),
		"target with a scheme":              target("dns:///collector:4317"),
		"target on a socket":                target("unix:///run/collector.sock"),
		"target that gRPC does not resolve": target("passthrough:///collector"),
		"URL":                               httpTo("https://collector/v1/traces?a=b"),
		"URL with a user":                   httpTo("https://user:s3cret@[::1]:4318/v1/traces"),
		"header with capitals":              header("Authorization", "Bearer a b=="),
		"binary header":                     header("a-bin", "b"),
		"name that only HTTP accepts":       func(c *delivery.Config) { httpTo("http://collector")(c); header("a!b", "c")(c) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quick(delivery.GRPC, "localhost:4317")
			change(&cfg)
			if err := cfg.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// An authorization header wins over the user in the URL. Neither gets into the log.
func TestAQueueSendsTheUserOfAURLAsBasicAuthentication(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		want    string
	}{
		"no header": {nil, "Basic dXNlcjpzM2NyZXQ="},
		"a header":  {map[string]string{"authorization": "Bearer b"}, "Bearer b"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			log := &journal{}
			to := &hooks{reply: func(n int, w http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Authorization")
				if n < 2 {
					w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusUnauthorized}[n])
				}
			}}
			cfg := quick(delivery.HTTPProtobuf, strings.Replace(startHTTP(t, to), "http://", "http://user:s3cret@", 1))
			cfg.Headers, cfg.Log = c.headers, log.logger()
			q := open(t, cfg)
			q.Send([]byte("a"), 1)
			q.Send([]byte("b"), 1)
			drain(t, q)
			if got != c.want {
				t.Errorf("authorization is %q, want %q", got, c.want)
			}
			wantNames(t, to.names(), []string{"b"})
			if strings.Contains(log.String(), "s3cret") || !strings.Contains(log.String(), "401") {
				t.Errorf("the log:\n%s", log)
			}
		})
	}
}
