package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// self is the test binary, which is headway to those who start it from now on.
func self(t *testing.T) program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_AS_HEADWAY", "yes")
	return program(exe)
}

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

// freeAddress is an address on loopback that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// sidecar is a `headway run` before one upstream.
type sidecar struct {
	process *process
	url     string // where the application sends its requests
	admin   string // host and port of the admin listener
	capture string // file of capture lines
}

// startSidecar runs a sidecar that is ready, with env beside what it needs.
func (p program) startSidecar(t *testing.T, upstream string, env ...string) *sidecar {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	s := &sidecar{url: "http://" + listen, admin: admin, capture: filepath.Join(t.TempDir(), "capture.jsonl")}
	s.process = start(t, append([]string{
		"HEADWAY_UPSTREAM=" + upstream,
		"HEADWAY_LISTEN=" + listen,
		"HEADWAY_ADMIN_LISTEN=" + admin,
		"HEADWAY_CAPTURE_FILE=" + s.capture,
		"HEADWAY_DRAIN_DELAY=0", // clients of these tests keep their connections
	}, env...), string(p), "run")
	eventually(t, 10*time.Second, func() error {
		_, err := get("http://" + admin + "/healthz/ready")
		return err
	})
	return s
}

// decodeLines decodes one JSON value a line.
func decodeLines[T any](t *testing.T, text []byte) []T {
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

// get is the body of a 200.
func get(url string) ([]byte, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return body, err
}

// eventually tries until check has nothing to complain about, or fails the test
// with its last complaint.
func eventually(t *testing.T, patience time.Duration, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("not within %s: %v", patience, err)
}
