package config_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestAProxyThatHeadwayIgnoresIsSaid(t *testing.T) {
	const upstream = "HEADWAY_UPSTREAM=http://llm.example.com:8000"
	for _, tt := range []struct {
		name    string
		environ []string
		want    string // how the only warning begins; empty is none
	}{
		{"HTTP_PROXY", []string{"HTTP_PROXY=http://user:s3cret@proxy:3128"}, `HTTP_PROXY: "http://proxy:3128" has no effect: headway connects to llm.example.com:8000 directly`},
		{"in lower case", []string{"http_proxy=proxy:3128"}, `http_proxy: "proxy:3128" has no effect`},
		{"for all", []string{"ALL_PROXY=socks5://user:s3cret@proxy"}, `ALL_PROXY: "socks5://proxy" has no effect`},
		{"for all, of an https upstream", []string{"ALL_PROXY=p", "NO_PROXY=llm.example.com", "HEADWAY_ROUTES=/a=https://api.openai.com"}, `ALL_PROXY: "p" has no effect: headway connects to api.openai.com:443 directly`},
		{"NO_PROXY of other hosts", []string{"HTTP_PROXY=p", "NO_PROXY=localhost,example.org,.com.example,10.0.0.0/8"}, "HTTP_PROXY: "},
		{"NO_PROXY of one upstream among two", []string{"HTTP_PROXY=p", "NO_PROXY=llm.example.com", "HEADWAY_ROUTES=/a=http://10.0.0.7:8000"}, "HTTP_PROXY: \"p\" has no effect: headway connects to 10.0.0.7:8000 directly"},
		{"NO_PROXY of another port", []string{"HTTP_PROXY=p", "no_proxy=llm.example.com:80"}, "HTTP_PROXY: "},

		{"an empty one", []string{"HTTP_PROXY="}, ""},
		{"one for https, and no such upstream", []string{"HTTPS_PROXY=p"}, ""},
		{"one for http, and no such upstream", []string{"HTTP_PROXY=p", "NO_PROXY=llm.example.com", "HEADWAY_ROUTES=/a=https://api.openai.com"}, ""},
		{"NO_PROXY of everything", []string{"HTTP_PROXY=p", "NO_PROXY=*"}, ""},
		{"NO_PROXY of the name", []string{"HTTP_PROXY=p", "no_proxy=localhost, LLM.example.com"}, ""},
		{"NO_PROXY of the name and the port", []string{"HTTP_PROXY=p", "NO_PROXY=llm.example.com:8000"}, ""},
		{"NO_PROXY of the domain", []string{"HTTP_PROXY=p", "NO_PROXY=.example.com"}, ""},
		{"NO_PROXY of the domain without its point", []string{"HTTP_PROXY=p", "NO_PROXY=example.com"}, ""},
		{"the machine itself", []string{"HTTP_PROXY=p", "NO_PROXY=llm.example.com", "HEADWAY_ROUTES=/a=http://127.0.0.1:8000,/b=http://localhost:8001"}, ""},
		{"NO_PROXY of all upstreams", []string{"HTTP_PROXY=p", "NO_PROXY=example.com,10.0.0.0/8,[fd00::1]:8000,192.0.2.1", "HEADWAY_ROUTES=/a=http://10.1.2.3,/b=http://[fd00::1]:8000,/c=http://192.0.2.1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Read(append(tt.environ, upstream))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(c.Warnings) > 0 {
				got = c.Warnings[0].Error()
			}
			if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) || len(c.Warnings) > 1 || strings.Contains(got, "s3cret") {
				t.Errorf("warnings are %q, want one that begins %q", c.Warnings, tt.want)
			}
		})
	}
	if c, err := config.Read([]string{"HTTP_PROXY=p", "HEADWAY_TRANSPARENT_LISTEN=[::]:8482"}); err != nil || c.Warnings != nil {
		t.Errorf("the application chooses where it connects: %v, warnings %v", err, c.Warnings)
	}
}

// TestHTTPSUpstreamsGoThroughTheProxy tells for each of two upstreams through which proxy
// headway connects.
func TestHTTPSUpstreamsGoThroughTheProxy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"no proxy", nil, "- -"},
		{"HTTPS_PROXY", []string{"HTTPS_PROXY=http://proxy.corp:3128"}, "proxy.corp:3128 -"},
		{"in small letters", []string{"https_proxy=http://proxy.corp:3128"}, "proxy.corp:3128 -"},
		{"capital letters count first", []string{"https_proxy=http://b:1", "HTTPS_PROXY=http://a:1"}, "a:1 -"},
		{"without a scheme and a port", []string{"HTTPS_PROXY=proxy.corp"}, "proxy.corp:80 -"},
		{"an address of six", []string{"HTTPS_PROXY=http://[fd00::7]:3128/"}, "[fd00::7]:3128 -"},
		{"a user and a password", []string{"HTTPS_PROXY=http://me:p%40ss@proxy.corp:3128"}, "proxy.corp:3128 Basic bWU6cEBzcw== -"},
		{"a user", []string{"HTTPS_PROXY=http://me@proxy.corp:3128"}, "proxy.corp:3128 Basic bWU6 -"},
		{"NO_PROXY of the upstream", []string{"HTTPS_PROXY=http://proxy.corp:3128", "NO_PROXY=openai.com"}, "- -"},
		{"a wrong one that no upstream needs", []string{"HTTPS_PROXY=ftp://proxy.corp", "NO_PROXY=*"}, "- -"},
		{"HTTP_PROXY", []string{"HTTP_PROXY=http://proxy.corp:3128"}, "- -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Read(append(tt.environ, "HEADWAY_UPSTREAM=http://10.0.0.7:8000", "HEADWAY_ROUTES=/openai=https://api.openai.com"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range c.RouteTable {
				switch e := r.Egress; {
				case e == nil:
					got = append(got, "-")
				case e.Authorization == "":
					got = append(got, e.Proxy.Address())
				default:
					got = append(got, e.Proxy.Address()+" "+e.Authorization)
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

func TestAProxyThatHeadwayCannotUseIsRefused(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"socks5://me:s3cret@proxy", `HTTPS_PROXY: "socks5://proxy" names no http:// proxy, and headway speaks no other protocol with proxies; for example HTTPS_PROXY=http://proxy.example.com:3128`},
		{"https://me:s3cret@proxy:3129", `HTTPS_PROXY: "https://proxy:3129" names no http:// proxy`},
		{"http://proxy:99999", `HTTPS_PROXY: "http://proxy:99999" has no valid port`},
		{"http://me:s3cret@", `names no host`},
		{"http://me:s3cret%zz@proxy", `HTTPS_PROXY: it is no URL; for example`},
	} {
		_, err := config.Read([]string{"HTTPS_PROXY=" + tt.value, "HEADWAY_UPSTREAM=https://api.openai.com"})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %s", tt.value, err, tt.want)
		}
	}
}

func TestADelayThatLeavesNoTimeToDrainIsSaid(t *testing.T) {
	for _, tt := range []struct {
		delay, timeout string
		said           bool
	}{
		{"5s", "10m", false},
		{"0", "0", false},
		{"5s", "6s", false},
		{"5s", "5s", true},
		{"1h", "20ms", true},
	} {
		c, err := read("HEADWAY_DRAIN_DELAY="+tt.delay, "HEADWAY_DRAIN_TIMEOUT="+tt.timeout)
		if err != nil || (len(c.Warnings) == 1) != tt.said {
			t.Errorf("%s within %s: %v, warnings %v", tt.delay, tt.timeout, err, c.Warnings)
		}
		for _, w := range c.Warnings {
			if !strings.HasPrefix(w.Error(), "HEADWAY_DRAIN_DELAY: ") || !strings.Contains(w.Error(), "HEADWAY_DRAIN_TIMEOUT="+tt.timeout) {
				t.Errorf("%v", w)
			}
		}
	}
}
