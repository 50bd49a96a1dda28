//go:build interop

// Package compose_test starts the services of deploy/compose: the real program of each,
// with the command, the files and the names that the compose file gives it.
package compose_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// project has the fields of a compose project that the test reads.
type project struct {
	Services map[string]service
}

type service struct {
	Image   string
	Command []string
	Build   struct{ Context, Dockerfile string }
	Ports   []struct {
		HostIP string `json:"host_ip"`
		Target int
	}
	Volumes  []volume
	ReadOnly bool     `json:"read_only"`
	CapDrop  []string `json:"cap_drop"`
	Security []string `json:"security_opt"`
}

type volume struct {
	Source, Target string
	ReadOnly       bool `json:"read_only"`
}

// load reads the compose file with the library of compose, which checks it.
func load(t *testing.T) project {
	t.Helper()
	out, err := exec.Command(interop.Tool(t, "bin/compose"), interop.Path(t, "deploy/compose/compose.yaml")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var p project
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// mounts are the files that a service sees.
func (s *service) mounts() (all []interop.Mount) {
	for _, v := range s.Volumes {
		all = append(all, interop.Mount{Source: v.Source, Target: v.Target, Writable: !v.ReadOnly})
	}
	return all
}

// TestInteropComposeShowsADemoThatBreaks starts the services as `docker compose up` does,
// and breaks the model server with the command that compose.yaml names.
func TestInteropComposeShowsADemoThatBreaks(t *testing.T) {
	p := load(t)
	names := []string{"alertmanager", "grafana", "headway", "prometheus"}
	for name, s := range p.Services {
		if !slices.Contains(names, name) {
			t.Errorf("nobody checks the service %s", name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s opens the port %d to %q", name, port.Target, port.HostIP)
			}
		}
	}
	pod := interop.StartPod(t, "192.0.2.10", names...)
	startDemo(t, pod, p.Services["headway"])
	alertmanager := startAlertmanager(t, pod, p.Services["alertmanager"])
	prometheus := startPrometheus(t, pod, p.Services["prometheus"])
	prometheus.EventuallyIs(t, `count(up{job="headway"} == 1)`, 1)
	prometheus.Eventually(t, 40*time.Second, `sum(rate(headway_requests_total[30s]))`)
	breakModel(t, pod)
	prometheus.Eventually(t, 40*time.Second, `sum(headway_requests_total{outcome="refused"})`)
	readRules(t, prometheus)
	interop.Eventually(t, 20*time.Second, func() error { return knowsAlertmanager(prometheus) })
	if _, err := interop.Get("http://" + alertmanager + "/api/v2/alerts"); err != nil {
		t.Error(err)
	}
}

// startDemo runs headway as its service says: with a root that it cannot write.
func startDemo(t *testing.T, pod *interop.Pod, s service) {
	t.Helper()
	if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.Security, "no-new-privileges:true") {
		t.Errorf("headway has more rights than it needs: %+v", s)
	}
	if dockerfile := filepath.Join(s.Build.Context, s.Build.Dockerfile); dockerfile != interop.Path(t, "deploy/Dockerfile") {
		t.Errorf("headway is built from %s", dockerfile)
	}
	pod.Run(t, interop.Container{Mounts: []interop.Mount{interop.ImageProgram(t)}, User: 65532, Command: append([]string{interop.InImage}, s.Command...)})
	admin := pod.Forward(t, pod.Address+":8481")
	interop.Until(t, "the demo is ready", func() bool { return interop.Status("http://"+admin+"/healthz/startup") == 200 })
}

// breakModel runs the command of compose.yaml in the container of headway.
func breakModel(t *testing.T, pod *interop.Pod) {
	t.Helper()
	const command = "headway demo fault http=503:0.5"
	if !strings.Contains(text(t, "deploy/compose/compose.yaml"), "docker compose exec headway "+command+"\n") {
		t.Errorf("compose.yaml names another command than %q", command)
	}
	args := append([]string{interop.InImage}, strings.Fields(command)[1:]...)
	if code := pod.Run(t, interop.Container{Mounts: []interop.Mount{interop.ImageProgram(t)}, User: 65532, Command: args}).Exit(t, interop.Patience); code != 0 {
		t.Errorf("%s ends with %d", command, code)
	}
}
