//go:build interop

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
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// tools is where .ci/interop/install puts things, seen from this package.
const tools = "../../.tools"

// tool is the path of an installed part.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(tools, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run .ci/interop/install (%v)", name, err)
	}
	return path
}

// program is the path of headway, built for one test.
type program string

func build(t *testing.T) program {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "headway")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("building headway: %v\n%s", err, out)
	}
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
			_ = <-p.ended
		}
		if t.Failed() {
			printed, _ := os.ReadFile(p.output)
			t.Logf("%s printed:\n%s", p, printed[max(0, len(printed)-4000):])
		}
	})
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

// simulator is a `headway sim` with nothing in its past.
type simulator struct{ url string }

func (p program) startSimulator(t *testing.T, flags ...string) simulator {
	t.Helper()
	address := freeAddress(t)
	start(t, nil, string(p), append([]string{"sim", "--listen", address, "--seed", "1"}, flags...)...)
	s := simulator{url: "http://" + address}
	eventually(t, 10*time.Second, func() error { return getJSON(s.url+"/sim/exchanges", new(any)) })
	return s
}

// exchanges is the ground truth of every request to one of the APIs, in order of arrival.
func (s simulator) exchanges(t *testing.T) []modelsim.Exchange {
	t.Helper()
	var all []modelsim.Exchange
	if err := getJSON(s.url+"/sim/exchanges", &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// sidecar is a `headway run` before one upstream.
type sidecar struct {
	process *process
	url     string // where the application sends its requests
	admin   string // host and port of the admin listener
	capture string // file of capture lines
}

func (p program) startSidecar(t *testing.T, upstream string) *sidecar {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	s := &sidecar{url: "http://" + listen, admin: admin, capture: filepath.Join(t.TempDir(), "capture.jsonl")}
	s.process = start(t, []string{
		"HEADWAY_UPSTREAM=" + upstream,
		"HEADWAY_LISTEN=" + listen,
		"HEADWAY_ADMIN_LISTEN=" + admin,
		"HEADWAY_CAPTURE_FILE=" + s.capture,
	}, string(p), "run")
	eventually(t, 10*time.Second, func() error {
		_, err := get("http://" + admin + "/healthz/ready")
		return err
	})
	return s
}

// lines ends the sidecar and returns what it captured of the APIs it knows, in
// order of start.
func (s *sidecar) lines(t *testing.T) []captureLine {
	t.Helper()
	s.process.stop(t)
	text, err := os.ReadFile(s.capture)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.DeleteFunc(decodeLines[captureLine](t, text), func(l captureLine) bool { return l.Dialect == "" })
	slices.SortFunc(known, func(a, b captureLine) int { return a.Start.Compare(b.Start) })
	return known
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

func getJSON(url string, into any) error {
	body, err := get(url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
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
