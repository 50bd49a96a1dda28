package main_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/interop/life"
)

// These tests use few streams. TestInteropDrainUnderLoad and its neighbours run the
// same scenarios with hundreds.

func TestDrainBreaksNoStream(t *testing.T) {
	life.Drain(t, self(t), 50, 5*time.Millisecond)
}

func TestRollingRestartBreaksNoStream(t *testing.T) {
	life.RollingRestart(t, self(t), 50, 20*time.Millisecond, time.Second)
}

// held starts a sidecar with one stream under way. The stream goes on when the test
// closes goOn; ended then receives the error of its client.
func held(t *testing.T, env ...string) (s *interop.Sidecar, goOn chan struct{}, ended <-chan error) {
	t.Helper()
	goOn = make(chan struct{})
	up := life.NewSource(t, 0, goOn)
	s = self(t).StartSidecar(t, up.URL, env...)
	over := make(chan error, 1)
	go func() {
		over <- life.Follow(t.Context(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, s.URL)
	}()
	interop.Eventually(t, 10*time.Second, func() error {
		_, err := interop.Get("http://" + s.Admin + "/metrics")
		if err == nil && up.Live.Load() == 0 {
			err = os.ErrNotExist
		}
		return err
	})
	return s, goOn, over
}

func TestSecondSignalIsNoEmergency(t *testing.T) {
	s, goOn, ended := held(t)
	for range 2 {
		for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
			s.Process.Signal(t, signal)
			interop.Eventually(t, 5*time.Second, func() error { // so that headway has time to see the signal
				if !strings.Contains(s.Process.Printed(t), `"draining"`) {
					return os.ErrNotExist
				}
				_, err := interop.Get("http://" + s.Admin + "/healthz/live")
				return err
			})
		}
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	if code := s.Process.Exit(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := life.Outcomes(t, s); len(got) != 1 || got["ok"] != 1 {
		t.Errorf("captured %v", got)
	}
}

func TestSIGQUITCutsStreamsAndStillCapturesThem(t *testing.T) {
	for name, before := range map[string]func(*interop.Sidecar){
		"while it serves": func(*interop.Sidecar) {},
		"while it drains": func(s *interop.Sidecar) {
			s.Process.Signal(t, syscall.SIGTERM)
			interop.Eventually(t, 5*time.Second, func() error {
				if !strings.Contains(s.Process.Printed(t), `"draining"`) {
					return os.ErrNotExist
				}
				return nil
			})
		},
		"while it waits for endpoints to change": func(s *interop.Sidecar) {
			s.Process.Signal(t, syscall.SIGTERM)
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := []string{}
			if strings.Contains(name, "endpoints") {
				env = append(env, "HEADWAY_DRAIN_DELAY=1h", "HEADWAY_DRAIN_TIMEOUT=1h")
			}
			s, goOn, ended := held(t, env...)
			defer close(goOn)
			before(s)
			s.Process.Signal(t, syscall.SIGQUIT)
			if code := s.Process.Exit(t, 10*time.Second); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if err := <-ended; err == nil {
				t.Error("the stream was not cut")
			}
			if got := life.Outcomes(t, s); len(got) != 1 || got["drained"] != 1 {
				t.Errorf("captured %v", got)
			}
			if printed := s.Process.Printed(t); !strings.Contains(printed, "goroutine profile: total ") || !strings.Contains(printed, "headway run: SIGQUIT") {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestWaitBecomesTheCommand checks that wait replaces its process by the command, as
// exec does in a shell: signals reach the command, and no process stands between it and
// its parent.
func TestWaitBecomesTheCommand(t *testing.T) {
	s := self(t).StartSidecar(t, "http://127.0.0.1:1")
	p := interop.Start(t, nil, string(self(t)), "wait", "--admin", "http://"+s.Admin, "--", "sh", "-c", `echo "pid $$ of $0"`, "the command")
	if code := p.Exit(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got, want := p.Printed(t), fmt.Sprintf("pid %d of the command\n", p.PID()); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestWaitHandsSignalsToTheCommand(t *testing.T) {
	exe := self(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			s := exe.StartSidecar(t, "http://127.0.0.1:1")
			script := fmt.Sprintf(`trap 'echo told; exit 7' %d; echo up; while :; do sleep 0.02; done`, signal)
			p := interop.Start(t, nil, string(exe), "wait", "--admin", "http://"+s.Admin, "--stop", "--", "sh", "-c", script)
			interop.Eventually(t, 10*time.Second, func() error {
				if !strings.Contains(p.Printed(t), "up\n") {
					return os.ErrNotExist
				}
				return nil
			})
			p.Signal(t, signal)
			if code := p.Exit(t, 10*time.Second); code != 7 {
				t.Errorf("exit code %d", code)
			}
			if got := p.Printed(t); got != "up\ntold\n" {
				t.Errorf("printed %q", got)
			}
			if code := s.Process.Exit(t, 10*time.Second); code != 0 {
				t.Errorf("the sidecar's exit code is %d", code)
			}
		})
	}
}

func TestTheCaptureHasStreamsThatTheDrainCuts(t *testing.T) {
	life.Cut(t, self(t), 50)
}

func TestDeparturesLeaveNothingBehind(t *testing.T) {
	life.Depart(t, self(t), 50)
}
