package injector_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
)

func TestReadConfig(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	right := []string{"HEADWAY_INJECTOR_IMAGE=ghcr.io/headway-sidecar/headway:v1", "HEADWAY_INJECTOR_SERVICE=headway-system/headway-injector",
		"HEADWAY_INJECTOR_WEBHOOK=headway-injector", "HEADWAY_INJECTOR_SECRET=tls"}
	const p = "HEADWAY_INJECTOR_"
	for _, tt := range []struct {
		name    string
		environ []string // over the right ones
		want    []string // the beginnings of the problems
	}{
		{"all is well", nil, nil},
		{"certificates of somebody else", []string{p + "CERT_DIR=" + dir, p + "SECRET=", p + "WEBHOOK="}, nil},
		{"a good file of defaults", []string{p + "DEFAULTS_FILE=" + file("good.yaml", "env: {HEADWAY_LOG_LEVEL: warn, OTEL_EXPORTER_OTLP_ENDPOINT: http://c:4318}\nresources: {limits: {memory: 128Mi}}")}, nil},
		{"nothing at all", []string{p + "IMAGE=", p + "SERVICE=", p + "WEBHOOK=", p + "SECRET="},
			[]string{p + "IMAGE: ", p + "SERVICE: is not set", p + "SECRET: ", p + "WEBHOOK: "}},
		{"a wrong address", []string{p + "LISTEN=8443"}, []string{p + `LISTEN: "8443" is not host:port; for example ` + p + "LISTEN=:8443"}},
		{"a wrong policy", []string{p + "IMAGE_PULL_POLICY=always"}, []string{p + "IMAGE_PULL_POLICY: "}},
		{"a Service without its namespace", []string{p + "SERVICE=headway-injector"}, []string{p + `SERVICE: "headway-injector" is not NAMESPACE/NAME; for example ` + p + "SERVICE=headway-system/headway-injector"}},
		{"two ways to a certificate", []string{p + "CERT_DIR=" + dir}, []string{p + "SECRET: has no effect", p + "WEBHOOK: has no effect"}},
		{"a folder that is not there", []string{p + "CERT_DIR=/nowhere", p + "SECRET=", p + "WEBHOOK="}, []string{p + "CERT_DIR: "}},
		{"an unknown variable", []string{p + "LISTN=:1"}, []string{p + "LISTN: headway-injector has no such variable; did you mean " + p + "LISTEN"}},
		{"links of Kubernetes", []string{p + "SERVICE_HOST=10.0.0.1", p + "SERVICE_PORT=443", p + "PORT=tcp://10.0.0.1:443"}, nil},
		{"a file that is not there", []string{p + "DEFAULTS_FILE=/nowhere"}, []string{p + "DEFAULTS_FILE: "}},
		{"a file with an unknown key", []string{p + "DEFAULTS_FILE=" + file("key.yaml", "environment: {}")}, []string{p + "DEFAULTS_FILE: "}},
		{"a file with a wrong value", []string{p + "DEFAULTS_FILE=" + file("value.yaml", "env: {HEADWAY_ROLE: sever}")}, []string{p + "DEFAULTS_FILE: " + dir + "/value.yaml: HEADWAY_ROLE: "}},
		{"a file with a variable of nobody", []string{p + "DEFAULTS_FILE=" + file("nobody.yaml", "env: {PATH: /}")}, []string{p + "DEFAULTS_FILE: "}},
		{"a file with too little memory", []string{p + "DEFAULTS_FILE=" + file("memory.yaml", "resources: {limits: {memory: 1Mi}}")}, []string{p + "DEFAULTS_FILE: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := injector.ReadConfig(slices.Concat(right, tt.environ))
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatalf("%+v is right", c)
			}
			for _, want := range tt.want {
				if !strings.Contains("\n"+err.Error(), "\n"+want) {
					t.Errorf("got\n%v\nwant %q", err, want)
				}
			}
			if lines := strings.Split(err.Error(), "\n"); len(lines) != len(tt.want) {
				t.Errorf("%d problems: %q", len(lines), lines)
			}
		})
	}
}

func TestAPodsSettingGoesOverTheDefault(t *testing.T) {
	s := settings()
	s.Env = map[string]string{"HEADWAY_UPSTREAM": "http://vllm:8000", "HEADWAY_LOG_LEVEL": "warn"}
	p := asking("log-level: debug")
	v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, s)
	got := map[string]string{}
	for _, e := range patched(t, p, &v).Spec.InitContainers[0].Env {
		got[e.Name] = e.Value
	}
	if got["HEADWAY_UPSTREAM"] != "http://vllm:8000" || got["HEADWAY_LOG_LEVEL"] != "debug" || s.Env["HEADWAY_LOG_LEVEL"] != "warn" {
		t.Errorf("%v, defaults %v", got, s.Env)
	}
}

// Each variable has an annotation of its own, or comes from the pod.
func TestEveryVariableHasAnAnnotation(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range injector.Annotations() {
		seen[a.Name] = true
	}
	for _, v := range injector.Settable() {
		name := injector.AnnotationOf(v.Name)
		if seen[name] || !strings.HasPrefix(name, "headway.dev/") || strings.ToLower(name) != name {
			t.Errorf("%s has the annotation %s", v.Name, name)
		}
		seen[name] = true
	}
	if !seen["headway.dev/upstream"] || !seen["headway.dev/slo-file"] || seen["headway.dev/pod-name"] {
		t.Errorf("%v", seen)
	}
}
