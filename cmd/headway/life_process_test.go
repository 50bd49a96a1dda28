package main_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The same with hundreds of streams: TestInteropDrainUnderLoad and
// TestInteropRollingRestart.

func TestDrainBreaksNoStream(t *testing.T) {
	drainUnderLoad(t, self(t), 50, 5*time.Millisecond)
}

func TestRollingRestartBreaksNoStream(t *testing.T) {
	rollingRestart(t, self(t), 50, 20*time.Millisecond, time.Second)
}

// held is a sidecar with one stream under way, which ends when goOn is closed and
// tells then what became of it.
func held(t *testing.T, env ...string) (s *sidecar, goOn chan struct{}, ended <-chan error) {
	t.Helper()
	goOn = make(chan struct{})
	up := newSource(t, 0, goOn)
	s = self(t).startSidecar(t, up.URL, env...)
	over := make(chan error, 1)
	go func() {
		over <- follow(t.Context(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, s.url)
	}()
	eventually(t, 10*time.Second, func() error {
		_, err := get("http://" + s.admin + "/metrics")
		if err == nil && up.live.Load() == 0 {
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
			s.process.signal(t, signal)
			eventually(t, 5*time.Second, func() error { // it had time to see the signal
				if !strings.Contains(s.process.printed(t), `"draining"`) {
					return os.ErrNotExist
				}
				_, err := get("http://" + s.admin + "/healthz/live")
				return err
			})
		}
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	if code := s.process.exit(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := outcomes(t, s); len(got) != 1 || got["ok"] != 1 {
		t.Errorf("captured %v", got)
	}
}

func TestSIGQUITCutsAndStillTells(t *testing.T) {
	for name, before := range map[string]func(*sidecar){
		"while it serves": func(*sidecar) {},
		"while it drains": func(s *sidecar) {
			s.process.signal(t, syscall.SIGTERM)
			eventually(t, 5*time.Second, func() error {
				if !strings.Contains(s.process.printed(t), `"draining"`) {
					return os.ErrNotExist
				}
				return nil
			})
		},
		"while it waits for endpoints to change": func(s *sidecar) {
			s.process.signal(t, syscall.SIGTERM)
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
			s.process.signal(t, syscall.SIGQUIT)
			if code := s.process.exit(t, 10*time.Second); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if err := <-ended; err == nil {
				t.Error("the stream was not cut")
			}
			if got := outcomes(t, s); len(got) != 1 || got["drained"] != 1 {
				t.Errorf("captured %v", got)
			}
			if printed := s.process.printed(t); !strings.Contains(printed, "goroutine profile: total ") || !strings.Contains(printed, "headway run: SIGQUIT") {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestWaitBecomesTheCommand as shells' exec does: signals reach it, and nothing is
// left between it and its parent.
func TestWaitBecomesTheCommand(t *testing.T) {
	s := self(t).startSidecar(t, "http://127.0.0.1:1")
	p := start(t, nil, string(self(t)), "wait", "--admin", "http://"+s.admin, "--", "sh", "-c", `echo "pid $$ of $0"`, "the command")
	if code := p.exit(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got, want := p.printed(t), fmt.Sprintf("pid %d of the command\n", p.command.Process.Pid); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestWaitHandsSignalsToTheCommand(t *testing.T) {
	exe := self(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			s := exe.startSidecar(t, "http://127.0.0.1:1")
			script := fmt.Sprintf(`trap 'echo told; exit 7' %d; echo up; while :; do sleep 0.02; done`, signal)
			p := start(t, nil, string(exe), "wait", "--admin", "http://"+s.admin, "--stop", "--", "sh", "-c", script)
			eventually(t, 10*time.Second, func() error {
				if !strings.Contains(p.printed(t), "up\n") {
					return os.ErrNotExist
				}
				return nil
			})
			p.signal(t, signal)
			if code := p.exit(t, 10*time.Second); code != 7 {
				t.Errorf("exit code %d", code)
			}
			if got := p.printed(t); got != "up\ntold\n" {
				t.Errorf("printed %q", got)
			}
			if code := s.process.exit(t, 10*time.Second); code != 0 {
				t.Errorf("the sidecar's exit code is %d", code)
			}
		})
	}
}

func TestWhatTheDrainCutsIsCapturedToo(t *testing.T) {
	cutUnderLoad(t, self(t), 50)
}
