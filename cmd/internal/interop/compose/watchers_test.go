//go:build interop

package compose_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// The images of Prometheus and Alertmanager run as nobody, in a folder of nobody's.
// https://github.com/prometheus/prometheus/blob/main/Dockerfile
const (
	nobody = 65534
	work   = "/work"
)

// start runs a program of this machine as a service of the compose file.
func start(t *testing.T, pod *interop.Pod, s service, exe string, args ...string) *interop.Process {
	t.Helper()
	folder, err := os.MkdirTemp("", "headway-compose-") // nobody cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return pod.Run(t, interop.Container{
		Mounts:  append(s.mounts(), interop.Mount{Source: exe, Target: "/program"}, interop.Mount{Source: folder, Target: work, Writable: true}),
		System:  true,
		User:    nobody,
		Command: slices.Concat([]string{"/usr/bin/env", "--chdir=" + work, "/program"}, args),
	})
}

func startPrometheus(t *testing.T, pod *interop.Pod, s service) interop.Prometheus {
	t.Helper()
	config := slices.IndexFunc(s.Volumes, func(v volume) bool { return slices.Contains(s.Command, "--config.file="+v.Target) })
	if config < 0 {
		t.Fatalf("no mount holds the configuration of %v", s.Command)
	}
	check := start(t, pod, s, interop.Tool(t, "bin/promtool"), "check", "config", "--lint=all", "--lint-fatal", s.Volumes[config].Target)
	if code := check.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("promtool ends with %d: %s", code, check.Printed(t))
	}
	start(t, pod, s, interop.Tool(t, "bin/prometheus"), s.Command...)
	p := interop.Prometheus{API: "http://" + pod.Forward(t, pod.Address+":9090") + "/api/v1/"}
	interop.Eventually(t, 20*time.Second, func() error { return interop.GetJSON(p.API+"status/buildinfo", new(any)) })
	return p
}

// startAlertmanager returns the address of a started Alertmanager.
func startAlertmanager(t *testing.T, pod *interop.Pod, s service) string {
	t.Helper()
	exe, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Fatalf("run .ci/interop/install: %v", err)
	}
	if out, err := exec.Command("amtool", "check-config", s.Volumes[0].Source).CombinedOutput(); err != nil {
		t.Errorf("amtool: %v\n%s", err, out)
	}
	start(t, pod, s, exe, append(s.Command, "--storage.path=data/")...) // the default of the image; Debian has another one
	address := pod.Forward(t, pod.Address+":9093")
	interop.Eventually(t, 20*time.Second, func() error {
		_, err := interop.Get("http://" + address + "/-/ready")
		return err
	})
	return address
}

// readRules fails the test unless Prometheus evaluates rules of both files without an
// error.
func readRules(t *testing.T, p interop.Prometheus) {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Name, File string
				Rules      []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := interop.GetJSON(p.API+"rules", &answer); err != nil {
		t.Fatal(err)
	}
	files := map[string]int{}
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			files[group.File]++
			if rule.Health == "err" {
				t.Errorf("%s, %s: %s", group.Name, rule.Name, rule.LastError)
			}
		}
	}
	if len(files) != 2 {
		t.Errorf("Prometheus has the rules of %v", files)
	}
}

// knowsAlertmanager returns an error unless Prometheus sends alerts to the Alertmanager.
func knowsAlertmanager(p interop.Prometheus) error {
	var answer struct {
		Data struct{ ActiveAlertmanagers []struct{ URL string } }
	}
	if err := interop.GetJSON(p.API+"alertmanagers", &answer); err != nil {
		return err
	}
	if got := answer.Data.ActiveAlertmanagers; len(got) != 1 || got[0].URL != "http://alertmanager:9093/api/v2/alerts" {
		return fmt.Errorf("alerts go to %v", got)
	}
	return nil
}

func text(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(interop.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
