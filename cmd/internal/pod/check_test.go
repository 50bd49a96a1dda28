package pod_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/pod"
)

func TestNewRefusesASidecarThatCouldNotStart(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings pod.Settings
		want     []string // in the error, each on a line of its own; none for no error
	}{
		{"defaults", pod.Settings{Mode: pod.Explicit}, nil},
		{"every address", pod.Settings{Env: map[string]string{"HEADWAY_LISTEN": ":8480"}}, nil},
		{"the name of loopback", pod.Settings{Env: map[string]string{"HEADWAY_LISTEN": "localhost:8480"}}, nil},
		{"an address that the pod does not have", pod.Settings{Env: map[string]string{"HEADWAY_LISTEN": "10.0.0.1:8480"}},
			[]string{`HEADWAY_LISTEN: "10.0.0.1:8480" is neither loopback nor every address`}},
		{"an admin port on loopback", pod.Settings{Env: map[string]string{"HEADWAY_ADMIN_LISTEN": "127.0.0.1:8481"}},
			[]string{`HEADWAY_ADMIN_LISTEN: "127.0.0.1:8481" is not open to clients outside the pod; for example HEADWAY_ADMIN_LISTEN=0.0.0.0:9481`}},
		{"any port", pod.Settings{Env: map[string]string{"HEADWAY_LISTEN": "127.0.0.1:0"}}, []string{`has no port from 1024 to 65535`}},
		{"a port of the system", pod.Settings{Env: map[string]string{"HEADWAY_ADMIN_LISTEN": "0.0.0.0:80"}}, []string{`HEADWAY_ADMIN_LISTEN: "0.0.0.0:80" has no port from 1024`}},
		{"a server that nobody reaches", pod.Settings{Env: map[string]string{"HEADWAY_ROLE": "server"}},
			[]string{`HEADWAY_LISTEN: "127.0.0.1:8480" is not open to clients outside the pod; for example HEADWAY_LISTEN=0.0.0.0:9480`}},
		{"a server", pod.Settings{Env: map[string]string{"HEADWAY_ROLE": "server", "HEADWAY_LISTEN": "0.0.0.0:8480"}}, nil},
		{"a transparent listener that gets nothing", pod.Settings{Mode: pod.Explicit, Env: map[string]string{"HEADWAY_TRANSPARENT_LISTEN": "0.0.0.0:8482"}},
			[]string{"HEADWAY_TRANSPARENT_LISTEN: nothing redirects connections in explicit mode"}},
		{"transparent", pod.Settings{Mode: pod.Transparent}, nil},
		{"a server in transparent mode", pod.Settings{Mode: pod.Transparent, Env: map[string]string{"HEADWAY_ROLE": "server", "HEADWAY_LISTEN": ":8480"}}, []string{"HEADWAY_ROLE: "}},
		{"a file of a ConfigMap", pod.Settings{ConfigMap: "c", Env: map[string]string{"HEADWAY_SLO_FILE": "/etc/headway/slos.yaml"}}, nil},
		{"a file of no ConfigMap", pod.Settings{Env: map[string]string{"HEADWAY_SLO_FILE": "/etc/headway/slos.yaml"}}, []string{"write the annotation headway.dev/config-map: NAME"}},
		{"a folder of a ConfigMap", pod.Settings{ConfigMap: "c", Env: map[string]string{"HEADWAY_SLO_FILE": "/etc/headway/a/slos.yaml"}}, []string{"is not directly in /etc/headway"}},
		{"a file to read where headway writes", pod.Settings{ConfigMap: "c", Env: map[string]string{"HEADWAY_PROBE_FILE": "/var/lib/headway/p.yaml"}}, []string{"is not directly in /etc/headway"}},
		{"state", pod.Settings{Env: map[string]string{"HEADWAY_STATE_DIR": "/var/lib/headway", "HEADWAY_SPOOL_DIR": "/var/lib/headway/"}}, nil},
		{"state in a folder that nobody makes", pod.Settings{Env: map[string]string{"HEADWAY_STATE_DIR": "/var/lib/headway/state"}}, []string{"HEADWAY_STATE_DIR: ", "write /var/lib/headway"}},
		{"state where nobody can write", pod.Settings{ConfigMap: "c", Env: map[string]string{"HEADWAY_STATE_DIR": "/etc/headway"}}, []string{"is no folder that is there"}},
		{"a capture in a folder that nobody makes", pod.Settings{Env: map[string]string{"HEADWAY_CAPTURE_FILE": "/var/lib/headway/a/b"}}, []string{"is not directly in /var/lib/headway"}},
		{"a file of another machine", pod.Settings{Env: map[string]string{"HEADWAY_CAPTURE_FILE": "/tmp/capture.jsonl"}}, []string{"is in no volume of the sidecar"}},
		{"several at once", pod.Settings{Env: map[string]string{"HEADWAY_ROLE": "sever", "HEADWAY_PREWARM": "many"}}, []string{"HEADWAY_ROLE: ", "HEADWAY_PREWARM: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.settings.Env == nil {
				tt.settings.Env = map[string]string{}
			}
			tt.settings.Env["HEADWAY_UPSTREAM"] = "https://api.openai.com"
			_, err := pod.New(tt.settings)
			if err == nil && len(tt.want) > 0 || err != nil && len(tt.want) == 0 {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

// The kubelet would replace the text.
func TestAValueIsWhatWasChecked(t *testing.T) {
	made, err := pod.New(pod.Settings{Env: map[string]string{"HEADWAY_UPSTREAM": "http://vllm:8000", "HEADWAY_POD_NAME": "x", "OTEL_RESOURCE_ATTRIBUTES": "a=$(b)"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range made.InitContainers()[0].Env {
		if e.Name == "OTEL_RESOURCE_ATTRIBUTES" && e.Value != "a=$$(b)" {
			t.Errorf("the value is %q", e.Value)
		}
	}
}

func TestAddressOfTheSidecar(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8480": "http://127.0.0.1:8480", "0.0.0.0:9000": "http://127.0.0.1:9000", ":9000": "http://127.0.0.1:9000", "[::1]:9000": "http://[::1]:9000",
	} {
		made, err := pod.New(pod.Settings{Env: map[string]string{"HEADWAY_UPSTREAM": "http://vllm:8000", "HEADWAY_LISTEN": listen}})
		if err != nil || made.Address() != want {
			t.Errorf("%s: %s, %v, want %s", listen, made.Address(), err, want)
		}
	}
}
