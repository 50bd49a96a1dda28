//go:build interop

// Package chart_test checks what deploys headway to Kubernetes: the chart in
// deploy/helm/headway and the kustomizations in deploy/kubernetes. testdata/rendered has
// what they make. The quick tests of cmd/headway hold those files to the rules of
// docs/lifecycle.md, without Helm and kustomize. After a change of the chart,
//
//	HEADWAY_TEST_KUBERNETES=1 go test -tags interop ./cmd/internal/interop/chart -run 'Chart' -update
//
// makes the files of the chart and the bases of deploy/kubernetes anew, and then those of the overlays.
package chart_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const (
	headway = "deploy/helm/headway" // the chart
	// kubernetes is the version that Helm assumes. A Helm that `go install` built knows none.
	kubernetes = "--kube-version=1.36.3"
)

// rendered are the golden files of the chart, with the arguments of helm template.
var rendered = map[string][]string{
	"testdata/rendered/default.yaml":    {"--namespace=headway-system"},
	"testdata/rendered/monitoring.yaml": {"--namespace=monitoring", "--values=testdata/values/monitoring.yaml"},
	"testdata/rendered/everything.yaml": {"--namespace=monitoring", "--values=testdata/values/everything.yaml"},
}

// helm runs Helm and returns its standard output. The error quotes its standard error. The
// test is skipped where `make interop-all` has not installed Helm, which takes long to build.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if os.Getenv("HEADWAY_TEST_KUBERNETES") == "" {
		t.Skip("make interop-all runs this test, with Helm")
	}
	home := t.TempDir()
	command := exec.Command(interop.Tool(t, "bin/helm"), args...)
	command.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("helm %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}

// render runs helm template.
func render(t *testing.T, chart string, args ...string) string {
	t.Helper()
	out, err := helm(t, append([]string{"template", "headway", chart, kubernetes}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInteropKubernetesChartIsWhatHelmMakes(t *testing.T) {
	for file, args := range rendered {
		golden.Check(t, file, render(t, interop.Path(t, headway), args...))
	}
}

func TestInteropKubernetesChartPassesLint(t *testing.T) {
	for _, args := range [][]string{nil, {"--values=testdata/values/everything.yaml"}, {"--values=testdata/values/monitoring.yaml", "--set=dashboards.enabled=true"}} {
		out, err := helm(t, append([]string{"lint", "--strict", kubernetes, interop.Path(t, headway)}, args...)...)
		if err != nil || strings.Contains(out, "[WARNING]") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// A wrong value is refused with a sentence that names it.
func TestInteropKubernetesChartRefusesWrongValues(t *testing.T) {
	for _, tt := range []struct{ name, set, want string }{
		{"unknown value", "injectorr.enabled=true", "injectorr"},
		{"unknown setting of a sidecar", "sidecar.env.UPSTREAM=https://api.openai.com", "UPSTREAM"},
		{"duration that the grace period cannot be computed from", "sidecar.drainTimeout=1h30m", "/sidecar/drainTimeout"},
		{"no replica", "injector.replicas=0", "/injector/replicas"},
		{"failure policy", "injector.failurePolicy=ignore", "/injector/failurePolicy"},
		{"kind of monitor", "monitoring.scrape=podmonitor", "/monitoring/scrape"},
		{"prober without probes", "prober.enabled=true", "prober.probes: without a probe there is nothing to send"},
		{"SLO file without rules", "slo.enabled=true,slo.file=slos: []", "--set-file slo.rules=slo.rules.yaml"},
		{"rules that are none", "slo.enabled=true,slo.file=slos: [],slo.rules=kind: PrometheusRule", "slo.rules: there are no groups of rules"},
		{"SLO file that is no YAML", "slo.enabled=true,slo.file=slos: [,slo.rules=groups: []", "slo.file: "},
		{"rules of another SLO file", "slo.enabled=true,slo.file=slos: [{name: other}],slo.rules=groups: []", "there is no rule for the SLO other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := helm(t, "template", "headway", interop.Path(t, headway), kubernetes, "--set="+tt.set)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A release is a Secret, which holds 1 MiB at most.
func TestInteropKubernetesChartFitsIntoARelease(t *testing.T) {
	archive := packaged(t, t.TempDir())
	info, err := os.Stat(archive)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > 300_000 {
		t.Errorf("%d bytes, and the manifests come on top", info.Size())
	}
}

// packaged packages the chart into dir and returns the path of the archive.
func packaged(t *testing.T, dir string) string {
	t.Helper()
	if _, err := helm(t, "package", interop.Path(t, headway), "--destination="+dir); err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "headway-*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("%q, %v", archives, err)
	}
	return archives[0]
}

// The chart has every dashboard as it stands in dashboards/grafana.
func TestInteropKubernetesChartHasTheDashboards(t *testing.T) {
	for _, kind := range []string{"classic", "native"} {
		out := render(t, packaged(t, t.TempDir()), "--set=dashboards.enabled=true,dashboards.histograms="+kind)
		files, err := filepath.Glob(interop.Path(t, "dashboards/grafana/"+kind+"/*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal(len(files), err)
		}
		objects := parse(t, out)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			object := objects["ConfigMap "+strings.TrimSuffix(name, ".json")]
			if data, _ := object["data"].(map[string]any); data[name] != strings.TrimRight(string(text), "\n")+"\n" {
				t.Errorf("%s, %s: the ConfigMap has another dashboard", kind, name)
			}
		}
	}
}

// As a dependency the chart installs nothing, and its templates make the pods of
// deploy/kubernetes.
func TestInteropKubernetesChartLendsTheSidecar(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "application")
	if err := os.CopyFS(dir, os.DirFS("testdata/application")); err != nil {
		t.Fatal(err)
	}
	charts := filepath.Join(dir, "charts")
	if err := os.Mkdir(charts, 0o755); err != nil { //nolint:gosec // a folder of the test
		t.Fatal(err)
	}
	packaged(t, charts)
	for mode, file := range map[string]string{"explicit": "sidecar.yaml", "transparent": "transparent.yaml"} {
		got := parse(t, render(t, dir, "--set=headway.sidecar.mode="+mode))
		if len(got) != 1 {
			t.Errorf("%s: the dependency installs objects of its own: %d", mode, len(got))
		}
		text, err := os.ReadFile(interop.Path(t, "deploy/kubernetes/"+file))
		if err != nil {
			t.Fatal(err)
		}
		same(t, mode, got["Deployment application"], parse(t, string(text))["Deployment application"])
	}
	patch := render(t, dir, "--show-only=templates/deployment.yaml")
	golden.Check(t, interop.Path(t, "deploy/kubernetes/bases/sidecar/sidecar.yaml"), patchOf(patch))
}

// The bases of the injector and of the prober are the chart's manifests.
func TestInteropKubernetesChartMakesTheBases(t *testing.T) {
	for base, args := range map[string][]string{
		"injector": {"--namespace=headway-system"},
		"prober":   {"--namespace=monitoring", "--values=testdata/values/prober.yaml"},
	} {
		text := byHand(render(t, interop.Path(t, headway), args...))
		golden.Check(t, interop.Path(t, "deploy/kubernetes/bases/"+base+"/"+base+".yaml"), text)
	}
}

// ofHelm matches the lines of a manifest that hold of a release of Helm only.
var ofHelm = regexp.MustCompile(`(?m)^(# Source: .*| +helm\.sh/chart: .*| +app\.kubernetes\.io/(managed-by|version): .*)\n`)

// byHand is a manifest of the chart for people without Helm: the images as all examples
// name them.
func byHand(text string) string {
	text = ofHelm.ReplaceAllString(text, "")
	text = regexp.MustCompile(`ghcr\.io/headway-sidecar/(headway(?:-injector)?):v0\.0\.0`).ReplaceAllString(text, "$1:VERSION")
	return strings.TrimPrefix(text, "---\n")
}

// patchOf is the part of an application's Deployment that is the sidecar's. It has no
// comments: kustomize writes them into lists of the application that stand on one line, and
// then cannot read these.
func patchOf(text string) string {
	text = regexp.MustCompile(`(?m) +#.*$`).ReplaceAllString(byHand(text), "")
	text = regexp.MustCompile(`(?ms)^  selector:\n.*?^  template:\n.*?^    spec:\n`).ReplaceAllString(text, "  template:\n    spec:\n")
	text = regexp.MustCompile(`(?ms)^      containers:\n.*?^      volumes:\n`).ReplaceAllString(text, "      volumes:\n")
	return "# Made from the chart's template headway.sidecar.container, which explains it.\n" + strings.Replace(text, "name: application\n", "name: any\n", 1)
}
