package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestUnknownVariablesAreRefusedAllAtOnce(t *testing.T) {
	environ := []string{
		"HEADWAY_UPSTRAEM=https://user:s3cret@h", "HEADWAY_CAPTUREFILE=x", "HEADWAY__LISTEN=x", "headway_role=server", "HEADWAYSLOFILE=x",
		"HEADWAY_DRAIN=5s", "HEADWAY_PORT=8480", "HEADWAY_ZEBRA=1",
		"HEDWAY_PREWARM=2", "HEADAWY_CAPTURE_FILE=x", "HEADWAY-LISTEN=x", "headwy_max_models=9",
	}
	_, err := config.Read(environ)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"HEADWAY_UPSTREAM: is not set",
		"HEADWAY_UPSTRAEM: headway has no such variable; did you mean HEADWAY_UPSTREAM?",
		"HEADWAY_CAPTUREFILE: headway has no such variable; did you mean HEADWAY_CAPTURE_FILE?",
		"HEADWAY__LISTEN: headway has no such variable; did you mean HEADWAY_LISTEN?",
		"headway_role: headway has no such variable; did you mean HEADWAY_ROLE?",
		"HEADWAYSLOFILE: headway has no such variable; did you mean HEADWAY_SLO_FILE?",
		"HEADWAY_DRAIN: headway has no such variable; did you mean HEADWAY_DRAIN_DELAY or HEADWAY_DRAIN_TIMEOUT?",
		"HEADWAY_PORT: headway has no such variable: headway run -h lists them.",
		"HEDWAY_PREWARM: headway has no such variable; did you mean HEADWAY_PREWARM?",
		"HEADAWY_CAPTURE_FILE: headway has no such variable; did you mean HEADWAY_CAPTURE_FILE?",
		"HEADWAY-LISTEN: headway has no such variable; did you mean HEADWAY_LISTEN?",
		"headwy_max_models: headway has no such variable; did you mean HEADWAY_MAX_MODELS?",
		"HEADWAY_ZEBRA: headway has no such variable: headway run -h lists them.",
	} {
		if !strings.Contains("\n"+err.Error(), "\n"+want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the value of an unknown variable is in:\n%v", err)
	}

	c, err := config.Read(append(environ, "HEADWAY_UPSTREAM=http://h", "HEADWAY_ALLOW_UNKNOWN=true"))
	if err != nil || len(c.Warnings) != len(environ) {
		t.Errorf("allowed: %v, warnings %v", err, c.Warnings)
	}
}

func TestVariablesOfKubernetesAreNotUnknown(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		unknown []string
	}{
		{"a Service called headway", []string{
			"HEADWAY_SERVICE_HOST=10.0.0.1", "HEADWAY_SERVICE_PORT=8480", "HEADWAY_SERVICE_PORT_HTTP=8480", "HEADWAY_PORT=tcp://10.0.0.1:8480",
			"HEADWAY_PORT_8480_TCP=tcp://10.0.0.1:8480", "HEADWAY_PORT_8480_TCP_PROTO=tcp", "HEADWAY_PORT_8480_TCP_PORT=8480", "HEADWAY_PORT_8480_TCP_ADDR=10.0.0.1",
		}, nil},
		{"a Service called headway-drain-delay, over IPv6", []string{
			"HEADWAY_DRAIN_DELAY_SERVICE_HOST=fd00::1", "HEADWAY_DRAIN_DELAY_SERVICE_PORT=53", "HEADWAY_DRAIN_DELAY_SERVICE_PORT_DNS_TCP=53",
			"HEADWAY_DRAIN_DELAY_PORT=udp://[fd00::1]:53", "HEADWAY_DRAIN_DELAY_PORT_53_UDP=udp://[fd00::1]:53",
			"HEADWAY_DRAIN_DELAY_PORT_53_UDP_PROTO=udp", "HEADWAY_DRAIN_DELAY_PORT_53_UDP_PORT=53", "HEADWAY_DRAIN_DELAY_PORT_53_UDP_ADDR=fd00::1",
		}, nil},
		{"a user's port", []string{"HEADWAY_PORT=8480", "HEADWAY_ADMIN_PORT=8481"}, []string{"HEADWAY_PORT", "HEADWAY_ADMIN_PORT"}},
		{"a user's host", []string{"HEADWAY_SERVICE_HOST=web"}, []string{"HEADWAY_SERVICE_HOST"}},
		{"names that go on", []string{"HEADWAY_PORTS=tcp://10.0.0.1:8480", "HEADWAY_PORT_HTTP=8480"}, []string{"HEADWAY_PORTS", "HEADWAY_PORT_HTTP"}},
		{"variables of others", []string{"PATH=/bin", "HEADWAYS=x", "HEAD=x", "RAILWAY_LISTEN=x", "GATEWAY_UPSTREAM=x", "HEADERS_TIMEOUT=x", "HEADY_ZEBRA=x", "_LISTEN=x"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := config.Unknown(tt.environ); !slices.Equal(got, tt.unknown) {
				t.Errorf("unknown are %q, want %q", got, tt.unknown)
			}
		})
	}
}
