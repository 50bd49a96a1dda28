//go:build interop

package tenminutes_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/dashboards"
)

// watch starts a Prometheus with the scrape job of deploy/prometheus, and with rules. The
// job relabels what Kubernetes' service discovery would find: a target for each port of
// each container, and one without a port for a container that has none.
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
func watch(t *testing.T, pod *interop.Pod, g given, rules string) interop.Prometheus {
	t.Helper()
	text, err := os.ReadFile(interop.Path(t, "deploy/prometheus/kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	job := config["scrape_configs"].([]any)[0].(map[string]any)
	delete(job, "kubernetes_sd_configs")
	job["static_configs"] = discovered(pod, g)
	config["rule_files"] = []string{"/prometheus/slo.rules.yaml"}
	folder := t.TempDir()
	made, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"prometheus.yaml": string(made), "slo.rules.yaml": rules} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pod.Run(t, interop.Container{
		Mounts:  []interop.Mount{{Source: interop.Tool(t, "bin/prometheus"), Target: "/program"}, {Source: folder, Target: "/prometheus", Writable: true}},
		System:  true,
		Command: []string{"/program", "--config.file=/prometheus/prometheus.yaml", "--storage.tsdb.path=/prometheus/data"},
	})
	p := interop.Prometheus{API: "http://" + pod.Forward(t, "127.0.0.1:9090") + "/api/v1/"}
	interop.Eventually(t, 20*time.Second, func() error { return interop.GetJSON(p.API+"status/buildinfo", new(any)) })
	return p
}

// discovered are the targets and labels of a pod.
func discovered(pod *interop.Pod, g given) (all []any) {
	for _, c := range slices.Concat(g.InitContainers, g.Containers) {
		labels := map[string]string{
			"__meta_kubernetes_namespace": fields["metadata.namespace"], "__meta_kubernetes_pod_name": fields["metadata.name"],
			"__meta_kubernetes_pod_ip": pod.Address, "__meta_kubernetes_pod_container_name": c.Name,
		}
		if len(c.Ports) == 0 {
			all = append(all, map[string]any{"targets": []string{pod.Address}, "labels": labels})
		}
		for _, port := range c.Ports {
			own := maps.Clone(labels)
			own["__meta_kubernetes_pod_container_port_name"] = port.Name
			all = append(all, map[string]any{"targets": []string{fmt.Sprintf("%s:%d", pod.Address, port.ContainerPort)}, "labels": own})
		}
	}
	return all
}

// overview asks every query of the first dashboard that a user opens, and returns how
// many of them there are, and how many have an answer.
func overview(t *testing.T, p interop.Prometheus) (asked, answered int) {
	t.Helper()
	built, err := dashboards.All(dashboards.Options{Histograms: dashboards.Classic})
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$__range", "5m", "$namespace", fields["metadata.namespace"], "$pod", fields["metadata.name"],
		"$model", ".*", "$cell", ".*", "$slo", ".*", "$role", "client|server")
	for _, d := range built {
		if d.UID != "headway-overview" {
			continue
		}
		var g struct {
			Panels []struct {
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(d.JSON, &g); err != nil {
			t.Fatal(err)
		}
		for _, panel := range g.Panels {
			for _, target := range panel.Targets {
				values, err := p.Values(fill.Replace(target.Expr))
				if err != nil {
					t.Errorf("%s: %v", target.Expr, err)
				}
				asked++
				if slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) }) {
					answered++
				}
			}
		}
	}
	return asked, answered
}
