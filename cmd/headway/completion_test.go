package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// script returns the script of a shell.
func script(t *testing.T, shell string) string {
	t.Helper()
	return run(t, "completion", shell)
}

// shellOr skips the test unless the shell is on this machine.
func shellOr(t *testing.T, shell string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skip(err)
	}
}

// TestBashCompletes loads the script into bash and asks for the words that may follow a
// command line, as bash does at the Tab key.
func TestBashCompletes(t *testing.T) {
	shellOr(t, "bash")
	load := script(t, "bash")
	for _, tt := range []struct {
		line string // the last word is the one to complete
		want string // every offered word, in order
	}{
		{"headway r", "run report rules redirect"},
		{"headway run --", "--check"},
		{"headway rules --s", "--scale --slo --streams"},
		{"headway redirect ", "install remove show"},
		{"headway redirect in", "install"},
		{"headway redirect install --exclude-p", "--exclude-port"},
		{"headway redirect remove --", "--backend"},
		{"headway slo convert --t", "--to"},
		{"headway demo f", "fault"},
		{"headway demo fault --ad", "--addr"},
		{"headway completion ", "bash zsh fish"},
		{"headway help HEADWAY_DRAIN", "HEADWAY_DRAIN_DELAY HEADWAY_DRAIN_TIMEOUT"},
		{"headway help red", "redirect"},
		{"headway nothing ", ""},
		{"headway demo f", "fault"},
		{"headway demo fault ", "none default http slow-head slow uncached stall cut reset error garbage --addr"},
		{"headway demo fault s", "slow-head slow stall"},
		{"headway report --by ", "model upstream operation"},
		{"headway report capture.jsonl --by m", "model"},
		{"headway report --by = o", "operation"},
		{"headway report --by =", "model upstream operation"},
		{"headway report --output ", "table json"},
		{"headway rules --format ", "prometheus operator mimir"},
		{"headway rules --slo ", ""},
		{"headway demo --slo d", ""},
		{"headway slo convert --to o", "openslo"},
		{"headway redirect install --backend i", "iptables iptables-legacy"},
		{"headway report capture.jsonl --o", "--output"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Split(tt.line, " ")
			quoted := make([]string, len(words))
			for i, w := range words {
				quoted[i] = fmt.Sprintf("'%s'", w)
			}
			command := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile", "-c", load+fmt.Sprintf(
				"\ncomplete -p headway >/dev/null || exit 9\nCOMP_WORDS=(%s) COMP_CWORD=%d\n_headway\necho \"${COMPREPLY[@]}\"", strings.Join(quoted, " "), len(words)-1))
			var stderr bytes.Buffer
			command.Stderr = &stderr
			out, err := command.Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want || stderr.Len() > 0 {
				t.Errorf("offers %q, want %q (%v) %s", got, tt.want, err, &stderr)
			}
		})
	}
}

// TestZshCompletes loads the script into zsh, which must take it without a complaint.
func TestZshCompletes(t *testing.T) {
	shellOr(t, "zsh")
	command := exec.CommandContext(t.Context(), "zsh", "-f", "-c", "autoload -Uz compinit && compinit -D -u\n"+script(t, "zsh")+"\nprint -r -- $_comps[headway]")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "_headway") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestFishCompletes asks fish itself for the words that may follow a command line.
func TestFishCompletes(t *testing.T) {
	shellOr(t, "fish")
	for line, want := range map[string]string{
		"headway ru":                     "run",
		"headway run --c":                "--check",
		"headway redirect re":            "remove",
		"headway redirect install --exc": "--exclude-port",
		"headway help HEADWAY_UP":        "HEADWAY_UPSTREAM",
	} {
		out, err := exec.CommandContext(t.Context(), "fish", "--no-config", "-c", script(t, "fish")+"\ncomplete -C '"+line+"'").CombinedOutput()
		if err != nil || !strings.Contains("\n"+string(out), "\n"+want) {
			t.Errorf("%s: offers %s (%v), want %s", line, out, err, want)
		}
	}
}

// TestEveryScriptHasEveryCommandAndFlag, whatever shells this machine has.
func TestEveryScriptHasEveryCommandAndFlag(t *testing.T) {
	for _, shell := range shells() {
		text := script(t, shell)
		for _, c := range completions(t.Context()) {
			if !strings.Contains(text, c.command) || !strings.Contains(text, c.verb) {
				t.Errorf("%s: no %s %s", shell, c.command, c.verb)
			}
			for _, f := range c.flags {
				if !strings.Contains(text, "--"+f.Name) && !strings.Contains(text, "-l "+f.Name+" ") {
					t.Errorf("%s: no --%s of %s", shell, f.Name, c.command)
				}
			}
		}
	}
}
