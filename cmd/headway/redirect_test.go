package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/redirect"
)

func TestRedirectFindsEverythingWrongWithItsCommandLine(t *testing.T) {
	tests := []struct {
		name string
		args string
		want []string // how the lines begin, after the command's name
	}{
		{"no action", "", []string{"install, remove or show?"}},
		{"an unknown action", "delete", []string{`"delete" is none of install, remove, show`}},
		{"an unknown flag", "install --nope", []string{"flag provided but not defined: --nope; headway redirect install -h lists the flags"}},
		{"an argument too many", "remove now", []string{`unexpected argument "now"`}},
		{"an unknown backend", "remove --backend ipfw", []string{`--backend: "ipfw" is none of`}},
		{"a flag that remove does not have", "remove --to 1", []string{"flag provided but not defined: --to"}},
		{"no uid", "install --exclude-uid root,1,4294967295", []string{`--exclude-uid: "root" is no uid; "4294967295" is no uid`}},
		{"a loop", "install --exclude-uid=", []string{"--exclude-uid: no user and no mark"}},
		{"everything", "show --backend x --to 0 --outbound-port 65536 --inbound-port 2-1 --loopback-port x --exclude-mark y --exclude-port z --exclude-cidr 10.0.0.0/33 --family 4", []string{
			`--backend: "x"`, `--to: "0"`, `--outbound-port: "65536"`, `--inbound-port: "2-1"`, `--loopback-port: "x"`,
			`--exclude-mark: "y"`, `--exclude-port: "z"`, `--exclude-cidr: "10.0.0.0/33"`, `--family: "4"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := dispatch(t.Context(), append([]string{"redirect"}, strings.Fields(tt.args)...), &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
			got := strings.Split(strings.TrimPrefix(strings.TrimSpace(stderr.String()), "headway redirect: "), "\n")
			if len(got) != len(tt.want) {
				t.Fatalf("says %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("says %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestRedirectShowsWhatItsFlagsAskFor(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := "redirect show --backend iptables --to 15001 --outbound-port 80,443 --inbound-port all --loopback-port 11434 " +
		"--exclude-uid 0,101 --exclude-mark 0x10 --exclude-port 22 --exclude-cidr 10.0.0.0/8,2001:db8::1 --family both"
	if code := dispatch(t.Context(), strings.Fields(args), &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	plan := redirect.Default()
	plan.To, plan.Families = 15001, redirect.Both
	plan.Outbound = redirect.Ports{{First: 80, Last: 80}, {First: 443, Last: 443}}
	plan.Inbound = redirect.AllPorts()
	plan.Loopback = redirect.Ports{{First: 11434, Last: 11434}}
	plan.ExcludeUIDs, plan.ExcludeMark = []uint32{0, 101}, 16
	plan.ExcludePorts = redirect.Ports{{First: 22, Last: 22}}
	var err error
	if plan.ExcludeCIDRs, err = listOf(parsePrefix)("10.0.0.0/8,2001:db8::1/128"); err != nil {
		t.Fatal(err)
	}
	if want := redirect.Show(plan, redirect.NFTIPTables); stdout.String() != want {
		t.Errorf("shows\n%s\nwant\n%s", &stdout, want)
	}
}

func TestRedirectShowsTheDefaultWithoutFlags(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := dispatch(t.Context(), []string{"redirect", "show", "--backend", "nft"}, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if want := redirect.Show(redirect.Default(), redirect.Nftables); stdout.String() != want {
		t.Errorf("shows\n%s\nwant\n%s", &stdout, want)
	}
}

func TestRedirectHelps(t *testing.T) {
	for _, args := range []string{"help redirect", "redirect -h", "redirect install -h", "redirect remove --help", "redirect show -h"} {
		var stdout, stderr bytes.Buffer
		if code := dispatch(t.Context(), strings.Fields(args), &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), "install|remove|show") {
			t.Errorf("%s: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
	}
}
