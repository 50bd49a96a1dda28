package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the path of headway.
type program string

// process is a program that a test started. It ends with the test.
type process struct {
	command *exec.Cmd
	output  string // file that holds what it printed
	ended   chan error
	stopped sync.Once
}

// start runs a program with env beside the environment.
func start(t *testing.T, env []string, exe string, args ...string) *process {
	t.Helper()
	p := &process{
		command: exec.Command(exe, args...),
		output:  filepath.Join(t.TempDir(), "output"),
		ended:   make(chan error, 1),
	}
	output, err := os.Create(p.output)
	if err != nil {
		t.Fatal(err)
	}
	p.command.Env = append(os.Environ(), env...)
	p.command.Stdout, p.command.Stderr = output, output
	err = errors.Join(p.command.Start(), output.Close())
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// stop asks the program to end, waits until it did, and fails the test when that
// takes long or the program does not call it a success.
func (p *process) stop(t *testing.T) {
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

// signal sends the program a signal.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Errorf("%s: sending %v: %v", p, s, err)
	}
}

// exit waits until the program ends by itself and returns its exit code.
func (p *process) exit(t *testing.T, patience time.Duration) int {
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

// printed is what the program has printed so far.
func (p *process) printed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(p.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p *process) String() string {
	return strings.Join(append([]string{filepath.Base(p.command.Path)}, p.command.Args[1:]...), " ")
}
