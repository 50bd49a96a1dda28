package config_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// ownAddress returns an address of this machine that is not on loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	found, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address beside loopback")
	return ""
}

func TestAnUpstreamIsNoListenerOfHeadways(t *testing.T) {
	const everywhere = "HEADWAY_LISTEN=0.0.0.0:8480"
	for _, tt := range []struct {
		name    string
		environ []string
		want    string // of the message; empty is no problem
	}{
		{"the default listener", []string{"HEADWAY_UPSTREAM=http://127.0.0.1:8480"}, `HEADWAY_UPSTREAM: "http://127.0.0.1:8480" leads to HEADWAY_LISTEN=127.0.0.1:8480: headway would send its requests to itself`},
		{"a path", []string{"HEADWAY_UPSTREAM=http://127.0.0.1:8480/v1"}, "HEADWAY_UPSTREAM: "},
		{"TLS", []string{"HEADWAY_UPSTREAM=https://127.0.0.1:8480"}, "HEADWAY_UPSTREAM: "},
		{"localhost", []string{"HEADWAY_UPSTREAM=http://localhost:8480"}, "(localhost is 127.0.0.1, an address of this machine)"},
		{"LOCALHOST with a point", []string{"HEADWAY_UPSTREAM=http://LOCALHOST.:8480"}, "HEADWAY_UPSTREAM: "},
		{"0.0.0.0", []string{"HEADWAY_UPSTREAM=http://0.0.0.0:8480"}, "HEADWAY_UPSTREAM: "},
		{"IPv4 inside IPv6", []string{"HEADWAY_UPSTREAM=http://[::ffff:127.0.0.1]:8480"}, "HEADWAY_UPSTREAM: "},
		{"a listener on all addresses", []string{everywhere, "HEADWAY_UPSTREAM=http://127.0.0.2:8480"}, "HEADWAY_UPSTREAM: "},
		{"its IPv6", []string{everywhere, "HEADWAY_UPSTREAM=http://[::1]:8480"}, "HEADWAY_UPSTREAM: "},
		{"all addresses of IPv6", []string{"HEADWAY_LISTEN=[::]:8480", "HEADWAY_UPSTREAM=http://[::]:8480"}, "HEADWAY_UPSTREAM: "},
		{"a listener without a host", []string{"HEADWAY_LISTEN=:8480", "HEADWAY_UPSTREAM=http://localhost:8480"}, "HEADWAY_UPSTREAM: "},
		{"a listener by name", []string{"HEADWAY_LISTEN=localhost:8480", "HEADWAY_UPSTREAM=http://127.0.0.1:8480"}, "HEADWAY_UPSTREAM: "},
		{"a port by name", []string{"HEADWAY_LISTEN=:http", "HEADWAY_UPSTREAM=http://localhost"}, "HEADWAY_UPSTREAM: "},
		{"the port of https", []string{"HEADWAY_LISTEN=:443", "HEADWAY_UPSTREAM=https://localhost"}, "HEADWAY_UPSTREAM: "},
		{"another address of this machine", []string{everywhere, "HEADWAY_UPSTREAM=http://" + net.JoinHostPort(ownAddress(t), "8480")}, "HEADWAY_UPSTREAM: "},
		{"the admin port", []string{"HEADWAY_UPSTREAM=http://localhost:8481"}, "leads to HEADWAY_ADMIN_LISTEN=127.0.0.1:8481 (localhost is 127.0.0.1, an address of this machine): headway's own admin port"},
		{"the transparent port", []string{"HEADWAY_TRANSPARENT_LISTEN=[::]:8482", "HEADWAY_UPSTREAM=http://127.0.0.1:8482"}, "leads to HEADWAY_TRANSPARENT_LISTEN=[::]:8482"},
		{"a route", []string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_ROUTES=/a=http://h,/b=http://localhost:8480"}, `HEADWAY_ROUTES: "/b=http://localhost:8480" leads to HEADWAY_LISTEN`},
		{"a collector", []string{"HEADWAY_UPSTREAM=http://h", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:8480"}, "OTEL_EXPORTER_OTLP_ENDPOINT: "},
		{"a collector by gRPC", []string{"HEADWAY_UPSTREAM=http://h", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=localhost:8481", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "},

		{"another port", []string{"HEADWAY_UPSTREAM=http://127.0.0.1:8000"}, ""},
		{"another address of loopback", []string{"HEADWAY_UPSTREAM=http://127.0.0.2:8480"}, ""},
		{"another machine", []string{everywhere, "HEADWAY_UPSTREAM=http://192.0.2.1:8480"}, ""},
		{"a name that nobody knows", []string{everywhere, "HEADWAY_UPSTREAM=http://nowhere.invalid:8480"}, ""},
		{"any free port", []string{"HEADWAY_LISTEN=127.0.0.1:0", "HEADWAY_ADMIN_LISTEN=127.0.0.1:0", "HEADWAY_UPSTREAM=http://127.0.0.1:8480"}, ""},
		{"a listener elsewhere on this machine", []string{"HEADWAY_LISTEN=127.0.0.2:8480", "HEADWAY_UPSTREAM=http://127.0.0.1:8480"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Read(tt.environ)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestTheNameOfThisMachineIsItsAddress, where the machine can resolve its name.
func TestTheNameOfThisMachineIsItsAddress(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	if found, err := net.LookupHost(name); err != nil || len(found) == 0 {
		t.Skipf("%s has no address: %v", name, err)
	}
	_, err = config.Read([]string{"HEADWAY_LISTEN=:8480", "HEADWAY_UPSTREAM=http://" + name + ":8480"})
	if err == nil || !strings.Contains(err.Error(), "leads to HEADWAY_LISTEN=:8480 ("+name+" is ") {
		t.Errorf("%v", err)
	}
}

func TestTwoListenersNeedTwoAddresses(t *testing.T) {
	for _, tt := range []struct {
		name, listen, admin, transparent string
		want                             string // the variable that is to blame
	}{
		{"one address", "127.0.0.1:8481", "127.0.0.1:8481", "", "ADMIN_LISTEN"},
		{"all addresses and one of them", "0.0.0.0:8480", "127.0.0.1:8480", "", "ADMIN_LISTEN"},
		{"one in two spellings", "localhost:8480", "127.0.0.1:8480", "", "ADMIN_LISTEN"},
		{"the transparent port", "127.0.0.1:8480", "127.0.0.1:8481", "[::]:8481", "TRANSPARENT_LISTEN"},
		{"two ports", "127.0.0.1:8480", "127.0.0.1:8482", "", ""},
		{"two addresses", "127.0.0.1:8480", "127.0.0.2:8480", "", ""},
		{"any free port for both", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read("HEADWAY_LISTEN="+tt.listen, "HEADWAY_ADMIN_LISTEN="+tt.admin, "HEADWAY_TRANSPARENT_LISTEN="+tt.transparent)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), config.Prefix+tt.want+": ")) {
				t.Errorf("%v, want a problem of %q", err, tt.want)
			}
		})
	}
}

func TestSlowNamesDelayTheStartLittle(t *testing.T) {
	begin := time.Now()
	_, _ = config.Read([]string{"HEADWAY_LISTEN=:8480", "HEADWAY_UPSTREAM=http://nowhere.invalid:8480", "HEADWAY_ROUTES=/a=http://a.invalid:8480,/b=http://b.invalid:8480"})
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
