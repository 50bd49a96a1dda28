package config_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestAProxyThatHeadwayIgnoresIsSaid(t *testing.T) {
	const upstream = "HEADWAY_UPSTREAM=https://api.openai.com"
	for _, tt := range []struct {
		name    string
		environ []string
		want    string // how the only warning begins; empty is none
	}{
		{"HTTPS_PROXY", []string{"HTTPS_PROXY=http://user:s3cret@proxy:3128"}, `HTTPS_PROXY: "http://proxy:3128" has no effect: headway connects to api.openai.com:443 directly`},
		{"in lower case", []string{"https_proxy=proxy:3128"}, `https_proxy: "proxy:3128" has no effect`},
		{"for all", []string{"ALL_PROXY=socks5://user:s3cret@proxy"}, `ALL_PROXY: "socks5://proxy" has no effect`},
		{"several", []string{"http_proxy=user:s3cret@a", "HTTPS_PROXY=user:s3cret@b"}, `http_proxy, HTTPS_PROXY: "b" has no effect`},
		{"NO_PROXY of other hosts", []string{"HTTP_PROXY=p", "NO_PROXY=localhost,openai.org,.com.example,10.0.0.0/8"}, "HTTP_PROXY: "},
		{"NO_PROXY of one upstream among two", []string{"HTTP_PROXY=p", "NO_PROXY=api.openai.com", "HEADWAY_ROUTES=/a=http://10.0.0.7:8000"}, "HTTP_PROXY: \"p\" has no effect: headway connects to 10.0.0.7:8000 directly"},
		{"NO_PROXY of another port", []string{"HTTP_PROXY=p", "no_proxy=api.openai.com:80"}, "HTTP_PROXY: "},

		{"an empty one", []string{"HTTPS_PROXY="}, ""},
		{"NO_PROXY of everything", []string{"HTTPS_PROXY=p", "NO_PROXY=*"}, ""},
		{"NO_PROXY of the name", []string{"HTTPS_PROXY=p", "no_proxy=localhost, API.openai.com"}, ""},
		{"NO_PROXY of the name and the port", []string{"HTTPS_PROXY=p", "NO_PROXY=api.openai.com:443"}, ""},
		{"NO_PROXY of the domain", []string{"HTTPS_PROXY=p", "NO_PROXY=.openai.com"}, ""},
		{"NO_PROXY of the domain without its point", []string{"HTTPS_PROXY=p", "NO_PROXY=openai.com"}, ""},
		{"NO_PROXY of all upstreams", []string{"HTTPS_PROXY=p", "NO_PROXY=openai.com,10.0.0.0/8,[fd00::1]:8000,192.0.2.1", "HEADWAY_ROUTES=/a=http://10.1.2.3,/b=http://[fd00::1]:8000,/c=http://192.0.2.1"}, ""},
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
