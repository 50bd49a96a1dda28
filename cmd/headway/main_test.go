package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// busyAddress returns an address on loopback that already has a listener.
func busyAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// sloOf writes an SLO file with one SLO that matches so, and returns its path.
func sloOf(t *testing.T, match string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slo.yaml")
	text := "slos:\n  - name: a\n    match: {" + match + "}\n    objective: 99\n    window: 30d\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandsExitAsTheirUsersExpect(t *testing.T) {
	busy := busyAddress(t)
	tests := []struct {
		name           string
		env            map[string]string
		args           []string
		code           int
		stdout, stderr string // parts of the output; "" wants no output
	}{
		{"no command", nil, nil, 2, "", "Commands:"},
		{"help", nil, []string{"--help"}, 0, "Commands:", ""},
		{"an unknown command", nil, []string{"rum"}, 2, "", `no command "rum"`},
		{"help for a command", nil, []string{"help", "run"}, 0, "HEADWAY_DRAIN_TIMEOUT (default 10m)\n", ""},
		{"help for a verb", nil, []string{"help", "redirect", "remove"}, 0, "--backend way", ""},
		{"help for a variable", nil, []string{"help", "HEADWAY_LISTEN"}, 0, "  HEADWAY_LISTEN (default 127.0.0.1:8480)\n      address of the port", ""},
		{"help for an unknown variable", nil, []string{"help", "HEADWAY_LISTNE"}, 2, "", "headway help: HEADWAY_LISTNE: headway has no such variable; did you mean HEADWAY_LISTEN?\n"},
		{"a command with a slip", nil, []string{"rulse"}, 2, "", `no command "rulse"; did you mean rules?`},
		{"a flag with a slip", nil, []string{"run", "--chek"}, 2, "", "headway run: flag provided but not defined: --chek: did you mean --check?; headway run -h lists the flags\n"},
		{"help with a slip, in one line", nil, []string{"helpp"}, 2, "", "headway: no command \"helpp\"; did you mean help? headway help lists them\n"},
		{"help with two letters in the wrong order", nil, []string{"hlep"}, 2, "", "did you mean help?"},
		{"help for half a variable", nil, []string{"help", "HEADWAY_"}, 2, "", "this is no whole name of a variable; headway run -h lists all"},
		{"help for a variable of OpenTelemetry", nil, []string{"help", "OTEL_EXPORTER_OTLP_ENDPOINT"}, 2, "", "docs/opentelemetry.md says which of them headway reads"},
		{"a flag without its dashes", nil, []string{"run", "check"}, 2, "", `unexpected argument "check": did you mean --check?`},
		{"a duration without a unit", nil, []string{"sim", "--step", "12"}, 2, "", `--step: "12" has no unit; write 12ms or 12s`},
		{"a duration of no unit", nil, []string{"wait", "--timeout", "1x"}, 2, "", `--timeout: "1x" is no duration; write 500ms, 10s or 1m`},
		{"a flag without its value", nil, []string{"wait", "--timeout"}, 2, "", "flag needs an argument: --timeout"},
		{"a number that is none", nil, []string{"sim", "--rpm", "a"}, 2, "", `--rpm: "a" is no whole number; write 8`},
		{"a port alone", nil, []string{"sim", "--listen", "8000"}, 2, "", `"8000" is not host:port; for example 127.0.0.1:8000`},
		{"the port of the admin listener", map[string]string{"UPSTREAM": "http://h", "ADMIN_PORT": "8481"}, []string{"run", "--check"}, 2, "", "HEADWAY_ADMIN_PORT: headway has no such variable; did you mean HEADWAY_ADMIN_LISTEN?"},
		{"a verb with a slip", nil, []string{"redirect", "instal"}, 2, "", `"instal" is none of install, remove, show: did you mean install?`},
		{"a shell that headway does not know", nil, []string{"completion", "bush"}, 2, "", `no script for "bush"; did you mean bash?`},
		{"no shell", nil, []string{"completion"}, 2, "", "which shell? bash, zsh or fish"},
		{"an admin port with a password", nil, []string{"stop", "--admin", "user:s3cret@h"}, 2, "", `--admin: "h" is no http or https URL; for example http://127.0.0.1:8481`},
		{"a demo of two ports in one", nil, []string{"demo", "--admin", "127.0.0.1:8480"}, 2, "", `--admin: "127.0.0.1:8480" cannot be bound beside --listen (127.0.0.1:8480), which has the same port; for example --admin 127.0.0.1:8481`},
		{"a demo of no SLO file", nil, []string{"demo", "--slo", "/missing.yaml"}, 2, "", `--slo: "/missing.yaml": no such file or directory; for example --slo /etc/headway/slos.yaml`},
		{"help for an unknown command", nil, []string{"help", "rum"}, 2, "", `no command "rum"`},
		{"run -h", nil, []string{"run", "-h"}, 0, "--check ", ""},
		{"demo -h", nil, []string{"demo", "-h"}, 0, "(default 127.0.0.1:8480)", ""},
		{"sim -h", nil, []string{"sim", "-h"}, 0, "--step-per-sequence duration ", ""},
		{"wait -h", nil, []string{"wait", "-h"}, 0, "--timeout duration           how long to wait; 0 is for ever (default 1m0s)\n", ""},
		{"stop -h", nil, []string{"stop", "-h"}, 0, "usage: headway stop [flags]\n", ""},
		{"version", nil, []string{"version"}, 0, "headway dev (commit ", ""},
		{"--version, as of most programs", nil, []string{"--version"}, 0, "headway dev (commit ", ""},
		{"version -h", nil, []string{"version", "-h"}, 0, "usage: headway version\n", ""},
		{"an unknown flag", nil, []string{"version", "--nope"}, 2, "", "--nope; headway version -h lists the flags\n"},
		{"an argument too many", nil, []string{"run", "now"}, 2, "", `unexpected argument "now"`},
		{"a demo of nothing", nil, []string{"demo", "--rps", "0", "--admin", "x"}, 2, "", "--admin: \"x\" is not host:port; for example --admin 127.0.0.1:8481\n--rps"},
		{"a demo where something listens", nil, []string{"demo", "--listen", busy}, 1, "", "--listen: listen tcp " + busy},
		{"a simulator at no address", nil, []string{"sim", "--listen", "8000"}, 2, "", "--listen: "},
		{"a simulator of nothing", nil, []string{"sim", "--max-running", "0"}, 2, "", "MaxRunning: 0"},
		{"a simulator where something listens", nil, []string{"sim", "--listen", busy}, 1, "", busy},
		{"a valid configuration", map[string]string{"UPSTREAM": "http://h"}, []string{"run", "--check"}, 0, "configuration is valid\n", ""},
		{"a misspelt variable", map[string]string{"UPSTREAM": "http://h", "UPSTRAEM": "x"}, []string{"run", "--check"}, 2, "", "\nHEADWAY_UPSTRAEM: headway has no such variable; did you mean HEADWAY_UPSTREAM?"},
		{"a port that is taken", map[string]string{"UPSTREAM": "http://h", "LISTEN": busy}, []string{"run"}, 1, "", "address already in use: perhaps another headway, or a demo of it, has the port"},
		{"a misspelt variable before a port is bound", map[string]string{"UPSTRAEM": "http://h", "LISTEN": busy}, []string{"run"}, 2, "", "\nHEADWAY_UPSTRAEM: "},
		{"a misspelt variable that is allowed", map[string]string{"UPSTREAM": "http://h", "UPSTRAEM": "x", "ALLOW_UNKNOWN": "true"}, []string{"run", "--check"}, 0, "configuration is valid\n", "headway run: warning: HEADWAY_UPSTRAEM: "},
		{"an upstream that is the sidecar itself", map[string]string{"UPSTREAM": "http://localhost:8480"}, []string{"run", "--check"}, 2, "", "\nHEADWAY_UPSTREAM: \"http://localhost:8480\" leads to HEADWAY_LISTEN=127.0.0.1:8480"},
		{"an upstream that is the sidecar itself, not checked", map[string]string{"UPSTREAM": "http://localhost:8480"}, []string{"run"}, 2, "", "\nHEADWAY_UPSTREAM: "},
		{"an SLO that nothing can match", map[string]string{"UPSTREAM": "http://h", "SLO_FILE": sloOf(t, "upstream: api.openai.com")}, []string{"run", "--check"}, 0, "configuration is valid\n", `slos[0].match.upstream: "api.openai.com" matches nothing: no upstream is configured so; there are h:80`},
		{"an SLO of any upstream, in transparent mode", map[string]string{"TRANSPARENT_LISTEN": "[::]:8482", "SLO_FILE": sloOf(t, "upstream: api.openai.com")}, []string{"run", "--check"}, 0, "configuration is valid\n", ""},
		{"an SLO of an operation that does not exist", map[string]string{"UPSTREAM": "http://h", "SLO_FILE": sloOf(t, "operation: chta")}, []string{"run", "--check"}, 2, "", `:3: slos[0].match.operation: "chta" is no operation; did you mean chat?`},
		{"a wrong configuration, checked", map[string]string{"ROLE": "x"}, []string{"run", "--check"}, 2, "", "\nHEADWAY_UPSTREAM: is not set"},
		{"a wrong configuration before a port is bound", map[string]string{"ROLE": "x", "LISTEN": busy}, []string{"run"}, 2, "", "\nHEADWAY_ROLE: "},
		{"a port in use", map[string]string{"UPSTREAM": "http://h", "LISTEN": busy}, []string{"run"}, 1, "", "HEADWAY_LISTEN: listen tcp " + busy},
		{"a port for redirected connections in use", map[string]string{"LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0", "TRANSPARENT_LISTEN": busy}, []string{"run"}, 1, "", "HEADWAY_TRANSPARENT_LISTEN: listen tcp " + busy + ": bind: address already in use: perhaps another headway"},
		{"an admin port in use", map[string]string{"UPSTREAM": "http://h", "LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": busy}, []string{"run"}, 1, "", "HEADWAY_ADMIN_LISTEN: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for key, value := range tt.env {
				t.Setenv(config.Prefix+key, value)
			}
			var stdout, stderr bytes.Buffer
			if code := dispatch(t.Context(), tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout.String(), tt.stdout) || (tt.stdout == "" && stdout.Len() > 0) {
				t.Errorf("stdout is not %q:\n%s", tt.stdout, &stdout)
			}
			if !strings.Contains(stderr.String(), tt.stderr) || (tt.stderr == "" && stderr.Len() > 0) {
				t.Errorf("stderr is not %q:\n%s", tt.stderr, &stderr)
			}
		})
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range completions(t.Context()) {
		if c.command == "help" {
			continue
		}
		path := []string{c.command}
		if c.verb != "" {
			path = append(path, c.verb)
		}
		for _, args := range [][]string{append([]string{"help"}, path...), append(slices.Clone(path), "-h"), append(slices.Clone(path), "--help")} {
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				if code := dispatch(t.Context(), args, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				text := stdout.String()
				if !strings.HasPrefix(text, "usage: headway "+c.command) {
					t.Errorf("it does not begin with the usage:\n%s", text)
				}
				for _, f := range c.flags {
					if !strings.Contains(text, "\n  --"+f.Name+" ") || f.Usage == "" {
						t.Errorf("--%s is not explained in:\n%s", f.Name, text)
					}
				}
				for _, verb := range c.verbs {
					if !strings.Contains(text, verb) {
						t.Errorf("%s is not in:\n%s", verb, text)
					}
				}
			})
		}
	}
}

func TestHelpListsEveryCommand(t *testing.T) {
	var out bytes.Buffer
	dispatch(context.Background(), []string{"help"}, &out, &out)
	for _, c := range commands() {
		if !strings.Contains(out.String(), "\n  "+c.name+" ") {
			t.Errorf("%s is not listed in:\n%s", c.name, &out)
		}
	}
}
