package redirect_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/redirect"
)

// host is a machine with some programs of iptables: the version that each prints, and the
// output of save.
type host struct {
	versions map[string]string
	saved    string
	ran      []string // the scripts that restore has read, each after the program's name
}

func (h *host) run(_ context.Context, in, name string, args ...string) (string, error) {
	version, ok := h.versions[name]
	switch {
	case !ok:
		return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
	case args[0] == "--version":
		return version, nil
	case strings.HasSuffix(name, "save"):
		return h.saved, nil
	case args[len(args)-1] != "--test":
		h.ran = append(h.ran, fmt.Sprintf("%s %s\n%s", name, strings.Join(args, " "), in))
	}
	return "", nil
}

// programs is a host's programs of the stem and suffix, for both families.
func programs(variant, version string) map[string]string {
	all := map[string]string{}
	for _, stem := range []string{"iptables", "ip6tables"} {
		for _, verb := range []string{"save", "restore"} {
			all[stem+variant+"-"+verb] = version
		}
	}
	return all
}

func TestTheProgramIsOfTheVariantThatWasAskedFor(t *testing.T) {
	tests := []struct {
		name     string
		backend  redirect.Backend
		programs map[string]string
		want     string // the program, or the text of the error
	}{
		{"named by its variant", redirect.NFTIPTables, programs("-nft", "v1.8.9 (nf_tables)"), "iptables-nft-restore --noflush --wait 5\n"},
		{"the plain one", redirect.NFTIPTables, programs("", "v1.8.9 (nf_tables)"), "iptables-restore --noflush"},
		{"the plain one is the other", redirect.NFTIPTables, programs("", "v1.8.9 (legacy)"), "not of that variant"},
		{"legacy by name", redirect.LegacyIPTables, programs("-legacy", "v1.8.9 (legacy)"), "iptables-legacy-restore --noflush"},
		{"legacy before there were variants", redirect.LegacyIPTables, programs("", "v1.6.1"), "iptables-restore --noflush"},
		{"the plain one is not legacy", redirect.LegacyIPTables, programs("", "v1.8.9 (nf_tables)"), "not of that variant"},
		{"none", redirect.NFTIPTables, nil, "iptables-nft-save: executable file not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			h := host{versions: tt.programs}
			filter := redirect.Filter{Run: h.run}
			plan := redirect.Default()
			plan.Families = redirect.OnlyIPv4
			_, err := filter.Install(t.Context(), plan, tt.backend)
			got := strings.Join(h.ran, "")
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || (err == nil) != (len(h.ran) == 1) {
				t.Errorf("%q, want %q; ran %q", got, tt.want, h.ran)
			}
		})
	}
}

func TestIPv6IsLeftOutWhereItCannotBe(t *testing.T) {
	isolate(t)
	for families, wantFailure := range map[redirect.Families]bool{redirect.Available: false, redirect.Both: true} {
		h := host{versions: map[string]string{"iptables-nft-save": "", "iptables-nft-restore": ""}}
		filter := redirect.Filter{Run: h.run}
		plan := redirect.Default()
		plan.Families = families
		r, err := filter.Install(t.Context(), plan, redirect.NFTIPTables)
		if failed := err != nil; failed != wantFailure {
			t.Fatalf("%s: %v", families, err)
		}
		if wantFailure {
			if len(h.ran) > 0 {
				t.Errorf("%s: IPv4 was installed all the same: %q", families, h.ran)
			}
			continue
		}
		if len(r.Families) != 1 || r.Families[0] != redirect.IPv4 || len(r.Notices) == 0 || !strings.Contains(r.Notices[0], "ip6tables") {
			t.Errorf("%s: %+v", families, r)
		}
	}
}

func TestInstallKeepsTheJumpThatIsThere(t *testing.T) {
	isolate(t)
	const jump = "-A OUTPUT -p tcp -j HEADWAY_OUTPUT"
	h := host{versions: programs("-nft", ""), saved: strings.Join([]string{
		"*nat", ":OUTPUT ACCEPT [0:0]", ":HEADWAY_OUTPUT - [0:0]", ":HEADWAY_PREROUTING - [0:0]",
		"-A PREROUTING -p tcp -j HEADWAY_PREROUTING", jump, "-A OUTPUT -j MINE", "-A HEADWAY_OUTPUT -o lo -j RETURN", "COMMIT", "",
	}, "\n")}
	filter := redirect.Filter{Run: h.run}
	plan := redirect.Default() // without inbound
	plan.Families = redirect.OnlyIPv4
	if _, err := filter.Install(t.Context(), plan, redirect.NFTIPTables); err != nil {
		t.Fatal(err)
	}
	script := strings.Join(h.ran, "")
	if strings.Contains(script, jump) || !strings.Contains(script, ":HEADWAY_OUTPUT - [0:0]\n") {
		t.Errorf("the jump is made again:\n%s", script)
	}
	const gone = "-D PREROUTING -p tcp -j HEADWAY_PREROUTING\n-F HEADWAY_PREROUTING\n-X HEADWAY_PREROUTING\n"
	if !strings.Contains(script, gone) {
		t.Errorf("what the plan no longer has stays:\n%s", script)
	}
}

func TestRemoveLeavesAChainThatSomebodyElseUses(t *testing.T) {
	isolate(t)
	const foreign = "-A MINE -p tcp -j HEADWAY_OUTPUT"
	h := host{versions: programs("-nft", ""), saved: "*nat\n:HEADWAY_OUTPUT - [0:0]\n-A OUTPUT -p tcp -j HEADWAY_OUTPUT\n" + foreign + "\nCOMMIT\n"}
	filter := redirect.Filter{Run: h.run}
	_, err := filter.Remove(t.Context(), redirect.NFTIPTables)
	if err == nil || !strings.Contains(err.Error(), foreign) {
		t.Errorf("error %v does not name the rule", err)
	}
	if len(h.ran) > 0 {
		t.Errorf("ran %q", h.ran)
	}
}

func TestRemoveOfNothingIsFine(t *testing.T) {
	isolate(t)
	h := host{versions: programs("-nft", ""), saved: "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j MINE\nCOMMIT\n"}
	filter := redirect.Filter{Run: h.run}
	results, err := filter.Remove(t.Context(), redirect.NFTIPTables)
	if err != nil || len(results) > 0 || len(h.ran) > 0 {
		t.Errorf("%v, %v, ran %q", results, err, h.ran)
	}
}
