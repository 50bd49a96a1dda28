//go:build interop

// Package tenminutes_test goes the way of docs/deployment.md and takes the time: from the
// object of a pod to its metrics, a dashboard and an alert.
package tenminutes_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// model is the model server of the test, which stands in the pod in place of the
// provider.
const model = "127.0.0.1:8000"

// TestInteropKubernetesTenMinutes installs the chart on a real API server, creates a pod,
// and runs the sidecar of the stored pod as that says: the same command, variables, user
// and volumes, a root that it cannot write, and a network that it shares with the
// application.
func TestInteropKubernetesTenMinutes(t *testing.T) {
	if os.Getenv("HEADWAY_TEST_KUBERNETES") == "" {
		t.Skip("HEADWAY_TEST_KUBERNETES is not set: the test takes some five minutes")
	}
	program := interop.ImageProgram(t)
	began := time.Now()
	step := func(what string) {
		t.Helper()
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), what)
	}
	c := installChart(t)
	step("the API server has the chart, and the injector is ready")
	g := readPod(t, c.admit(t))
	step("the pod is stored, with a sidecar")
	pod := interop.StartPod(t, "192.0.2.20")
	sim := interop.Simulator{URL: "http://" + pod.Forward(t, model)}
	pod.Run(t, interop.Container{Mounts: []interop.Mount{program}, User: 65532, Command: []string{interop.InImage, "sim", "--listen", model, "--seed", "1"}})
	interop.Until(t, "the model server answers", func() bool { return interop.Status(sim.URL+"/sim/exchanges") == 200 })

	slos := startSidecar(t, pod, g, program)
	step("the startup probe succeeds, so that the kubelet starts the application")
	p := watch(t, pod, g, rules(t, program, slos))
	step("Prometheus runs")
	ask := application(t, pod, &g)
	answeredAll(t, ask)
	p.Eventually(t, time.Minute, `sum(headway_requests_total{job="headway",namespace="shop",pod="application-0",outcome="ok"})`)
	p.EventuallyIs(t, "count(up)", 1) // the application's container, which has no such port, is no target
	step("the pod's requests are in Prometheus")

	stop := traffic(ask)
	defer stop()
	var asked, answered int
	interop.Eventually(t, 2*time.Minute, func() error {
		if asked, answered = overview(t, p); 2*answered < asked || asked == 0 {
			return fmt.Errorf("%d of %d queries of the dashboard have an answer", answered, asked)
		}
		return nil
	})
	step(fmt.Sprintf("the dashboard has %d of %d answers", answered, asked))
	setFault(t, sim, "http=503:1")
	step("the model server breaks")
	p.Eventually(t, 3*time.Minute, `sum(rate(headway_slo_requests_total{slo="chat",verdict="bad"}[1m]))`)
	step("requests that failed count against the SLO")
	p.Eventually(t, 8*time.Minute, `ALERTS{alertname="HeadwaySLOBurnPageFast",alertstate="firing",slo="chat"}`)
	step("the page fires")
	if took := time.Since(began); took > 10*time.Minute {
		t.Errorf("that took %v", took)
	}
}

// startSidecar runs the pod's sidecar until its startup probe succeeds, and returns its
// SLO file.
func startSidecar(t *testing.T, pod *interop.Pod, g given, program interop.Mount) string {
	t.Helper()
	c := g.sidecar(t)
	security := c.SecurityContext
	if !security.ReadOnlyRootFilesystem || security.RunAsUser == 0 || security.RunAsUser != security.RunAsGroup {
		t.Errorf("the sidecar runs with %+v", security)
	}
	mounts := g.mounts(t, &c)
	pod.Run(t, interop.Container{
		Mounts:  append(mounts, program),
		User:    security.RunAsUser,
		Env:     append(c.environment(t, map[string]string{"HEADWAY_UPSTREAM": "http://" + model}), "PATH=/usr/local/bin"),
		Command: slices.Concat(entrypoint(&c), c.Args),
	})
	probe := c.StartupProbe
	admin := pod.Forward(t, fmt.Sprintf("%s:%d", pod.Address, probe.HTTPGet.Port))
	patience := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second
	interop.Eventually(t, patience, func() error {
		_, err := interop.Get("http://" + admin + probe.HTTPGet.Path)
		return err
	})
	for _, m := range mounts {
		if file := filepath.Join(m.Source, "slos.yaml"); m.Target == "/etc/headway" {
			return file
		}
	}
	t.Fatal("nothing is mounted at /etc/headway")
	return ""
}

// entrypoint is what a container runs with its arguments: its command, or else that of
// the image.
func entrypoint(c *container) []string {
	if len(c.Command) > 0 {
		return c.Command
	}
	return []string{interop.InImage}
}

// rules are the alerts that headway makes of an SLO file.
func rules(t *testing.T, program interop.Mount, slos string) string {
	t.Helper()
	out, err := exec.Command(program.Source, "rules", "--slo", slos).Output()
	if err != nil {
		t.Fatalf("headway rules: %v", err)
	}
	return string(out)
}

// application returns the application's way of asking: at the base URL that its container
// has, from inside the pod.
func application(t *testing.T, pod *interop.Pod, g *given) (ask func() error) {
	t.Helper()
	var base string
	for _, c := range g.Containers {
		for _, e := range c.Env {
			if e.Name == "OPENAI_BASE_URL" {
				base = e.Value
			}
		}
	}
	host, path, ok := strings.Cut(strings.TrimPrefix(base, "http://"), "/")
	if !ok {
		t.Fatalf("OPENAI_BASE_URL is %q", base)
	}
	url := "http://" + pod.Forward(t, host) + "/" + path + "/chat/completions"
	var asked atomic.Int64
	return func() error {
		// No two prompts are alike: headway takes the same question, asked again after a failure, as a retry of the same call.
		const form = `{"model":"sim-small","stream":true,"max_tokens":16,"messages":[{"role":"user","content":"Say something about the number %d."}]}`
		body := fmt.Sprintf(form, asked.Add(1))
		response, err := http.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}
}

// answeredAll asks ten times.
func answeredAll(t *testing.T, ask func() error) {
	t.Helper()
	for range 10 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
}

// traffic asks four times a second until stop returns.
func traffic(ask func() error) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-time.After(250 * time.Millisecond):
				_ = ask() // the model server breaks on the way
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// setFault sets the faults of the model server.
func setFault(t *testing.T, s interop.Simulator, fault string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, s.URL+"/sim/faults", strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		t.Fatalf("PUT %s: %s", request.URL, response.Status)
	}
}
