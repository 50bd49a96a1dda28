// Package dashboards holds the tests of Grafana's dashboards against a real Prometheus,
// and the stage for them: headway demo with everything that a panel can show.
package dashboards

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// config scrapes a demo every second, with the labels of a pod, and loads rules.
const config = `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: headway
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs: [{targets: [%q], labels: {namespace: demo, pod: demo-0}}]
`

// scaled shortens the windows of the rules: an hour is a minute.
const scaled = "1/60"

// Demo is a running demo and the Prometheus that scrapes it.
type Demo struct {
	interop.Prometheus

	Traffic string // base URL of the sidecar
	Metrics string // URL of its metrics
}

// StartDemo starts headway demo, with faults of every kind, and a Prometheus beside it
// that has loaded the rules of the demo's SLOs.
func StartDemo(t *testing.T, exe interop.Program) Demo {
	t.Helper()
	listen, admin, model := interop.FreeAddress(t), interop.FreeAddress(t), interop.FreeAddress(t)
	objectives := interop.Path(t, "cmd/internal/interop/dashboards/slos.yaml")
	interop.Start(t, nil, string(exe), "demo", "--slo", objectives, "--listen", listen, "--admin", admin, "--model", model, "--rps", "12")
	rules, err := exec.Command(string(exe), "rules", "--slo", objectives, "--scale", scaled).Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "slo.rules.yaml")
	if err := os.WriteFile(file, rules, 0o600); err != nil {
		t.Fatal(err)
	}
	d := Demo{interop.Configured(t, fmt.Sprintf(config, file, admin)), "http://" + listen, "http://" + admin + "/metrics"}
	d.EventuallyIs(t, `up{job="headway"}`, 1)
	if out, err := exec.Command(string(exe), "demo", "fault", "--addr", model,
		"stall=1500ms@12:0.1", "cut@20:0.05", "error@15:0.05", "http=503:0.15", "http=429:0.05").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return d
}

// Ask sends requests whose API no dialect reads.
func (d Demo) Ask(t *testing.T) {
	t.Helper()
	response, err := http.Post(d.Traffic+"/v1/unheard-of", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}
