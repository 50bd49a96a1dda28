package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// model serves a simulated model server with these faults, and returns its address.
func model(t *testing.T, faults string) string {
	t.Helper()
	c := modelsim.DefaultConfig()
	var err error
	if c.Faults, err = modelsim.ParseFaultRules(faults); err != nil {
		t.Fatal(err)
	}
	sim, err := modelsim.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serveSim(ctx, l, sim, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// faultsNow returns the second column of the list, without those that are off.
func faultsNow(list string) string {
	var now []string
	for _, line := range strings.Split(list, "\n")[3:] {
		if columns := strings.Fields(line); len(columns) > 3 && columns[0] != defaultFaults && columns[0] != noFault && columns[1] != "off" {
			now = append(now, columns[1])
		}
	}
	return strings.Join(now, " ")
}

func TestDemoFaultChangesTheFaultsThatItNames(t *testing.T) {
	address := model(t, "http=500:0.01,stall=1s@12:0.03")
	for _, step := range []struct {
		name string
		args []string
		want string
	}{
		{"it lists them", nil, "http=500:0.01 stall=1s@12:0.03"},
		{"one takes the place of its kind", []string{"http=503:0.5"}, "http=503:0.5 stall=1s@12:0.03"},
		{"several at once", []string{"cut@20:0.1", "slow-head=2s:0.2"}, "http=503:0.5 slow-head=2s:0.2 stall=1s@12:0.03 cut@20:0.1"},
		{"a list", []string{"reset@9:0.1,error@15:0.2"}, "http=503:0.5 slow-head=2s:0.2 stall=1s@12:0.03 cut@20:0.1 reset@9:0.1 error@15:0.2"},
		{"two of a kind", []string{"http=503:0.1", "http=429:0.2"}, "http=503:0.1,http=429:0.2 slow-head=2s:0.2 stall=1s@12:0.03 cut@20:0.1 reset@9:0.1 error@15:0.2"},
		{"a probability of 0 ends it", []string{"http=503:0", "slow-head=2s:0", "stall=1s:0", "cut:0", "reset:0"}, "error@15:0.2"},
		{"none without a probability is missed", []string{"error=529@3"}, "error=529@3:1"},
		{"none ends all", []string{"none"}, ""},
		{"default restores those of a new demo", []string{"default"}, "http=500:0.004 stall=1s@12:0.03 cut@20:0.002 error@15:0.002"},
	} {
		var out, errs bytes.Buffer
		code := dispatch(t.Context(), append([]string{"demo", "fault", "--addr", address}, step.args...), &out, &errs)
		if !strings.HasPrefix(out.String(), "Faults of the model server at "+address+":\n") {
			t.Errorf("%s: it does not say which server it changed:\n%s", step.name, &out)
		}
		if got := faultsNow(out.String()); code != exitOK || got != step.want || errs.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, want %q\n%s%s", step.name, code, got, step.want, &out, &errs)
		}
	}
}

func TestDemoFaultExitsAsItsUsersExpect(t *testing.T) {
	nobody := interop.FreeAddress(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string // on stderr, or on stdout after success
	}{
		{"help", []string{"-h"}, 0, "usage: headway demo fault"},
		{"an unknown fault", []string{"htpp=503:0.5"}, 2, `"htpp=503:0.5": there is no fault "htpp"; did you mean http?`},
		{"a name of nothing", []string{"zzzzzzzz"}, 2, `"zzzzzzzz": there is no fault "zzzzzzzz"; the faults are http, slow-head, slow, uncached, stall, cut, reset, error, garbage; none ends them`},
		{"a wrong value", []string{"http=5:0.5"}, 2, `"5" is not an error status, as in http=503`},
		{"a wrong probability", []string{"http=503:2"}, 2, "a probability from 0 to 1, as in http=503:0.5"},
		{"every problem at once", []string{"http=5:0.5", "stal=1s"}, 2, "did you mean stall?"},
		{"a wrong value without a probability", []string{"http=foo"}, 2, `fault "http=foo": "foo" is not an error status, as in http=503`},
		{"default beside another", []string{"default", "cut"}, 2, "default replaces all faults"},
		{"default beside none", []string{"none", "default"}, 2, "none replaces all faults"},
		{"none beside another", []string{"none", "http=503:0.5"}, 2, "no other can stand beside it"},
		{"a wrong address", []string{"--addr", "8483"}, 2, "--addr: "},
		{"flags after the fault", []string{"http=503:0.5", "--addr", "8483"}, 2, "--addr: "},
		{"no demo", []string{"--addr", nobody}, 1, "no demo answers at " + nobody},
	} {
		var out, errs bytes.Buffer
		code := dispatch(t.Context(), append([]string{"demo", "fault"}, tt.args...), &out, &errs)
		if text := out.String() + errs.String(); code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", tt.name, code, tt.code, tt.want, text)
		}
	}
}

// The demo prints a command; a user pastes it into a shell.
func TestTheFaultThatTheDemoPrintsWorksInAShell(t *testing.T) {
	// A path that a shell would cut in two shows that the demo quotes it.
	program := filepath.Join(t.TempDir(), "head way's")
	self, err := filepath.Abs(os.Args[0])
	if err == nil {
		err = os.Symlink(self, program)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := anyPort()
	o.program = program
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- demo(ctx, o, write, io.Discard)
		_ = write.Close()
	}()
	command, text := "", make([]byte, 0, 4096)
	for buffer := make([]byte, 4096); command == ""; {
		n, err := read.Read(buffer)
		text = append(text, buffer[:n]...)
		if found := regexp.MustCompile(`(?m)^  (.* demo fault .*)$`).FindSubmatch(text); found != nil {
			command = string(found[1])
		} else if err != nil {
			t.Fatalf("no command in %s: %v", text, err)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	shell := exec.Command("sh", "-c", command)
	shell.Env = append(os.Environ(), "TEST_AS_HEADWAY=1")
	var list []byte
	interop.Until(t, "the demo has taken the fault", func() bool {
		again := *shell
		list, err = again.CombinedOutput()
		return err == nil
	})
	if got := faultsNow(string(list)); !strings.Contains(got, "http=503:0.5") {
		t.Errorf("%s left %q:\n%s", command, got, list)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the demo did not end")
	}
}
