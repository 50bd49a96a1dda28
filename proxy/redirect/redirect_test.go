package redirect_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/redirect"
)

var update = flag.Bool("update", false, "rewrite testdata")

// plans are the plans of the tests, by name.
func plans() map[string]redirect.Plan {
	standard := redirect.Default()

	selective := redirect.Default()
	selective.To = 15001
	selective.Outbound = ports("80,443,8000-8100")
	selective.ExcludePorts = nil
	selective.ExcludeCIDRs = nil

	server := redirect.Default()
	server.Outbound = nil
	server.Inbound = ports("8000,9000-9010")
	server.ExcludeUIDs = nil

	whole := redirect.Default()
	whole.Inbound = redirect.AllPorts()
	whole.Loopback = ports("11434")
	whole.ExcludeUIDs = []uint32{0, 65532}
	whole.ExcludeMark = 0x539
	whole.ExcludePorts = ports("22,53,6000-6010")
	whole.ExcludeCIDRs = cidrs("10.1.2.3/8", "10.2.2.0/23", "192.0.2.7/32", "fd00:1:2::/47", "2001:db8::7/128")

	v4 := redirect.Default()
	v4.Families = redirect.OnlyIPv4
	v6 := redirect.Default()
	v6.Families = redirect.OnlyIPv6
	return map[string]redirect.Plan{
		"default": standard, "selected-ports": selective, "model-server": server, "everything": whole, "ipv4": v4, "ipv6": v6,
	}
}

func ports(text string) redirect.Ports {
	p, err := redirect.ParsePorts(text)
	if err != nil {
		panic(err)
	}
	return p
}

func cidrs(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestShowPrintsTheRules(t *testing.T) {
	for name, plan := range plans() {
		if err := plan.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for backend, suffix := range map[redirect.Backend]string{redirect.Nftables: ".nft", redirect.LegacyIPTables: ".iptables"} {
			got, golden := redirect.Show(plan, backend), filepath.Join("testdata", name+suffix)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", golden, got, want)
			}
		}
	}
}

func TestBothVariantsOfIPTablesTakeTheSameRules(t *testing.T) {
	for name, plan := range plans() {
		if redirect.Show(plan, redirect.NFTIPTables) != redirect.Show(plan, redirect.LegacyIPTables) {
			t.Errorf("%s: they differ", name)
		}
	}
}

func TestCheckFindsEveryProblem(t *testing.T) {
	tests := []struct {
		name   string
		change func(*redirect.Plan)
		want   []string
	}{
		{"no listener", func(p *redirect.Plan) { p.To = 0 }, []string{"--to"}},
		{"nothing selected", func(p *redirect.Plan) { p.Outbound = nil }, []string{"they select no port"}},
		{"a loop", func(p *redirect.Plan) { p.ExcludeUIDs = nil }, []string{"--exclude-uid"}},
		{"a loop over loopback", func(p *redirect.Plan) { p.Outbound, p.Loopback, p.ExcludeUIDs = nil, ports("8000"), nil }, []string{"--exclude-uid"}},
		{"a selected port that is excluded", func(p *redirect.Plan) { p.Outbound = ports("53,443") }, []string{"--outbound-port: 53"}},
		{"an inbound one", func(p *redirect.Plan) { p.Inbound = ports("8480-8481") }, []string{"--inbound-port: 8480-8481"}},
		{"no addresses left", func(p *redirect.Plan) { p.ExcludeCIDRs = cidrs("0.0.0.0/0", "::/0") }, []string{"0.0.0.0/0", "::/0"}},
		{"IPv4 in IPv6's clothes", func(p *redirect.Plan) { p.ExcludeCIDRs = cidrs("::ffff:10.0.0.0/104") }, []string{"--exclude-cidr"}},
		{"no such family", func(p *redirect.Plan) { p.Families = "ipv5" }, []string{"--family"}},
		{"several", func(p *redirect.Plan) { p.To, p.ExcludeUIDs, p.Families = 0, nil, "" }, []string{"--to", "--exclude-uid", "--family"}},
		{"a mark instead of a user", func(p *redirect.Plan) { p.ExcludeUIDs, p.ExcludeMark = nil, 1 }, nil},
		{"inbound has no user", func(p *redirect.Plan) { p.Outbound, p.Inbound, p.ExcludeUIDs = nil, ports("8000"), nil }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := redirect.Default()
			tt.change(&plan)
			var problems []string
			if err := plan.Check(); err != nil {
				problems = strings.Split(err.Error(), "\n")
			}
			if len(problems) != len(tt.want) {
				t.Fatalf("problems: %q, want %q", problems, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(problems[i], want) {
					t.Errorf("problem %q, want %q", problems[i], want)
				}
			}
		})
	}
}

func TestParsePorts(t *testing.T) {
	tests := []struct{ text, want string }{
		{"all", "all"},
		{"none", "none"},
		{"", "none"},
		{"443", "443"},
		{"8000-8100, 80,443", "80,443,8000-8100"},
		{"80,81,82-90,85", "80-90"},
		{"1-65535", "all"},
		{"65535,65534", "65534-65535"},
	}
	for _, tt := range tests {
		if p, err := redirect.ParsePorts(tt.text); err != nil || p.String() != tt.want {
			t.Errorf("%q: %v, %v, want %s", tt.text, p, err, tt.want)
		}
	}
	for _, text := range []string{"0", "65536", "-1", "90-80", "80-", "http", "80,,81", "80;81"} {
		if p, err := redirect.ParsePorts(text); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}
