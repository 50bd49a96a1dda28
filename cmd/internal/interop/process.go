package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a program that a test started.
type Process struct {
	command *exec.Cmd
	output  string // file with the output of the program
	ended   chan error
	stopped sync.Once
}

// ofTests says whether a variable is for tests: headway refuses variables that it does
// not know, and so must not see it.
func ofTests(kv string) bool { return strings.HasPrefix(kv, "HEADWAY_TEST_") }

// Start runs a program with env beside the environment of the test, less the variables
// for tests themselves. At the end of the test it stops the program, unless the program
// has ended before.
func Start(t *testing.T, env []string, exe string, args ...string) *Process {
	t.Helper()
	p := &Process{
		command: exec.Command(exe, args...),
		output:  filepath.Join(t.TempDir(), "output"),
		ended:   make(chan error, 1),
	}
	output, err := os.Create(p.output)
	if err != nil {
		t.Fatal(err)
	}
	p.command.Env = append(slices.DeleteFunc(os.Environ(), ofTests), env...)
	p.command.Stdout, p.command.Stderr = output, output
	err = errors.Join(p.command.Start(), output.Close())
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() { p.Stop(t) })
	return p
}

// Stop asks the program to end and waits for its exit. It fails the test if that takes
// long, or if the exit code is not 0.
func (p *Process) Stop(t *testing.T) {
	t.Helper()
	p.stopped.Do(func() {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-p.ended:
			if err != nil {
				t.Errorf("%s ended on SIGTERM with: %v", p, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s did not end within 20 s of SIGTERM", p)
			_ = p.command.Process.Kill()
			if err := <-p.ended; err != nil {
				t.Logf("%s: %v", p, err)
			}
		}
		if t.Failed() {
			printed, _ := os.ReadFile(p.output)
			t.Logf("%s printed:\n%s", p, printed[max(0, len(printed)-4000):])
		}
	})
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// CPU is the CPU time that the program has taken so far, to a hundredth of a second: fields 14
// and 15 of /proc/PID/stat (proc(5)), in hundredths of a second. Any goroutine may call it.
func (p *Process) CPU() (total time.Duration, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of %s: %w", p, err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // begins with field 3
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(string(field))
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time of %s: %w", p, err)
		}
		total += time.Duration(n) * 10 * time.Millisecond
	}
	return total, nil
}

// Signal sends the program a signal.
func (p *Process) Signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Errorf("%s: sending %v: %v", p, s, err)
	}
}

// Exit waits until the program ends by itself and returns its exit code.
func (p *Process) Exit(t *testing.T, patience time.Duration) int {
	t.Helper()
	select {
	case err := <-p.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Errorf("%s: %v", p, err)
		}
		p.stopped.Do(func() {})
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		printed, _ := os.ReadFile(p.output)
		t.Fatalf("%s did not end within %s; it printed:\n%s", p, patience, printed)
		return 0
	}
}

// Printed returns the output of the program so far.
func (p *Process) Printed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(p.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p *Process) String() string {
	return strings.Join(append([]string{filepath.Base(p.command.Path)}, p.command.Args[1:]...), " ")
}

// DecodeLines decodes a JSON value from each line of text.
func DecodeLines[T any](t *testing.T, text []byte) []T {
	t.Helper()
	var values []T
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var v T
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		values = append(values, v)
	}
}
