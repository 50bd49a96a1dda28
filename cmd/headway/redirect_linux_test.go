package main_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// rights starts programs as the root user of a container that has only these
// capabilities, in the test's own network namespace.
type rights string

func newRights(t *testing.T, capabilities string) rights {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("setpriv is not installed")
	}
	runtime.LockOSThread() // the test never unlocks it: the thread ends with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	return rights("--bounding-set=-all" + capabilities)
}

// run runs `headway redirect` and returns its exit code and its output.
func (r rights) run(t *testing.T, exe interop.Program, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints strings.Builder
	command := exec.Command("setpriv", append([]string{string(r), string(exe), "redirect"}, args...)...)
	command.Stdout, command.Stderr = &out, &complaints
	err := command.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), complaints.String()
}

func TestRedirectNeedsOneCapabilityAndNoProgram(t *testing.T) {
	exe := self(t)
	r := newRights(t, ",+net_admin")
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir() // a PATH without nft and iptables
	if err := os.Symlink(setpriv, bin+"/setpriv"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	steps := []struct {
		args           string
		stdout, stderr string // beginning of the output; "" wants no output
	}{
		{"show --installed", "", "headway redirect: nothing is installed\n"},
		{"remove", "there was nothing to remove\n", ""},
		{"install", "installed with nft (the kernel has it): IPv4 and IPv6 to port 8482\n", ""},
		{"install --inbound-port 8000", "installed with nft (the kernel has it): IPv4 and IPv6 to port 8482\n", ""},
		{"show --installed", "table ip headway {\n\tchain output {\n", ""},
		{"remove", "removed from nft: IPv4 and IPv6\n", ""},
		{"show --installed", "", "headway redirect: nothing is installed\n"},
	}
	for _, step := range steps {
		code, stdout, stderr := r.run(t, exe, strings.Fields(step.args)...)
		if code != 0 || !begins(stdout, step.stdout) || !begins(stderr, step.stderr) {
			t.Errorf("%s: exit code %d, prints %q and %q", step.args, code, stdout, stderr)
		}
	}
}

// begins says whether text begins with like. An empty like wants an empty text.
func begins(text, like string) bool {
	return strings.HasPrefix(text, like) && (like != "" || text == "")
}

func TestRedirectLeavesOutABackendThatItMayNotRead(t *testing.T) {
	for _, program := range []string{"iptables-legacy", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	exe := self(t)
	r := newRights(t, ",+net_admin") // without net_raw, which iptables-legacy needs too
	if out, err := exec.Command("iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-j", "ACCEPT").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, step := range []struct{ args, stdout string }{
		{"install", "installed with nft"}, {"remove", "removed from nft: IPv4 and IPv6\n"}, {"remove", "there was nothing to remove\n"},
	} {
		code, stdout, stderr := r.run(t, exe, step.args)
		if code != 0 || !begins(stdout, step.stdout) || !strings.Contains(stderr, "rules of iptables-legacy could not be looked at") || !strings.Contains(stderr, "NET_RAW") {
			t.Errorf("%s: exit code %d, prints %q and %q", step.args, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := r.run(t, exe, "show", "--installed"); code != 0 || !begins(stdout, "# iptables-legacy: ") || stderr != "" {
		t.Errorf("show --installed: exit code %d, prints %q and %q", code, stdout, stderr)
	}
	code, stdout, stderr := r.run(t, exe, "remove", "--backend", "iptables-legacy")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "NET_RAW") {
		t.Errorf("remove --backend iptables-legacy: exit code %d, prints %q and %q", code, stdout, stderr)
	}
}

func TestRedirectSaysWhichCapabilityIsMissing(t *testing.T) {
	exe := self(t)
	r := newRights(t, "")
	for _, args := range []string{"install", "install --backend nft", "remove", "show --installed"} {
		code, stdout, stderr := r.run(t, exe, strings.Fields(args)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "NET_ADMIN is missing") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, prints %q and %q", args, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := r.run(t, exe, "show"); code != 0 || !begins(stdout, "table ip headway\n") || !strings.Contains(stderr, "for nft: ") {
		t.Errorf("show: exit code %d, prints %q and %q", code, stdout, stderr)
	}
}
