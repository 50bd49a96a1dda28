//go:build interop

package tenminutes_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// shop is an application as its team has it: it knows nothing of headway but two
// annotations that name its objectives.
const shop = `
apiVersion: v1
kind: Pod
metadata:
  name: application-0
  namespace: shop
  annotations:
    headway.dev/config-map: headway-slos
    headway.dev/slo-file: /etc/headway/slos.yaml
spec:
  containers:
    - {name: application, image: "application:VERSION", env: [{name: OPENAI_API_KEY, value: sk-test}]}
`

// cluster is an API server with the chart of headway, and the injector that the chart
// describes.
type cluster struct{ *interop.Kubernetes }

// installChart does what docs/deployment.md says for the chart, and starts the injector as
// a node would.
func installChart(t *testing.T) cluster {
	t.Helper()
	c := cluster{interop.StartKubernetes(t)}
	c.Create(t, "namespace", "headway-system")
	c.Create(t, "namespace", "shop")
	home := t.TempDir()
	helm := exec.Command(interop.Tool(t, "bin/helm"), "install", "headway", interop.Path(t, "deploy/helm/headway"), "--namespace=headway-system",
		"--set=image.tag=v1.2.3,sidecar.env.HEADWAY_UPSTREAM=https://api.openai.com",
		"--kube-apiserver="+c.URL, "--kube-ca-file="+c.CA, "--kube-token="+c.Tokens[interop.Administrator])
	helm.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	if out, err := helm.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.injector(t)
	c.do(t, "", "label", "namespace", "shop", "headway.dev/inject=enabled")
	return c
}

// do runs kubectl with an input and returns its output.
func (c cluster) do(t *testing.T, input string, args ...string) string {
	t.Helper()
	if input != "" {
		file := filepath.Join(t.TempDir(), "input.yaml")
		if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--filename="+file)
	}
	out, err := c.Kubectl(t, interop.Administrator, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// injector starts the program of the injector with the variables, the ConfigMap and the
// service account of its Deployment. No network of a cluster leads the API server to it, so
// the Service gets the name of this machine in place of its pods.
func (c cluster) injector(t *testing.T) {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "headway-injector")
	build := exec.Command("go", "build", "-o", exe, "./cmd/headway-injector")
	build.Dir = interop.Path(t, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var deployment object
	decode(t, c.do(t, "", "get", "deployment/headway-injector", "--namespace=headway-system", "--output=json"), &deployment)
	var settings object
	decode(t, c.do(t, "", "get", "configmap/headway-injector", "--namespace=headway-system", "--output=json"), &settings)
	defaults := filepath.Join(t.TempDir(), "defaults.yaml")
	if err := os.WriteFile(defaults, []byte(settings.Data["defaults.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	listen, admin := interop.FreeAddress(t), interop.FreeAddress(t)
	env := deployment.Spec.Template.Spec.Containers[0].environment(t, map[string]string{"HEADWAY_INJECTOR_DEFAULTS_FILE": defaults})
	env = append(env, "HEADWAY_INJECTOR_LISTEN="+listen, "HEADWAY_INJECTOR_ADMIN_LISTEN="+admin,
		"KUBERNETES_SERVICE_HOST="+c.Host, "KUBERNETES_SERVICE_PORT="+c.Port)
	const run = `mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && mount --bind "$1" /run/secrets/kubernetes.io/serviceaccount && exec "$0"`
	interop.Start(t, env, "unshare", "--mount", "sh", "-c", run, exe, c.Credentials(t, "headway-system", "headway-injector"))

	_, port, _ := net.SplitHostPort(listen)
	c.do(t, "", "delete", "service/headway-injector", "--namespace=headway-system")
	c.do(t, "{apiVersion: v1, kind: Service, metadata: {name: headway-injector, namespace: headway-system}, spec: {type: ExternalName, externalName: 127.0.0.1}}", "create")
	c.do(t, "", "patch", "mutatingwebhookconfiguration/headway-injector", "--type=json", fmt.Sprintf(
		`--patch=[{"op":"add","path":"/webhooks/0/clientConfig/service/port","value":%s},{"op":"add","path":"/webhooks/1/clientConfig/service/port","value":%s}]`, port, port))
	interop.Eventually(t, 20*time.Second, func() error {
		_, err := interop.Get("http://" + admin + "/healthz/ready")
		return err
	})
}

// admit creates the application's pod and the ConfigMap that it names, and returns a file
// with both, as the API server has stored them.
func (c cluster) admit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(interop.Path(t, "deploy/kubernetes/sidecar.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, slos, _ := strings.Cut(string(text), "\n---\n") // of docs/slos.md, where sidecar.yaml has them
	c.do(t, slos, "create", "--namespace=shop")
	c.do(t, shop, "create")
	pod := c.do(t, "", "get", "pod/application-0", "--namespace=shop", "--output=json")
	objectives := c.do(t, "", "get", "configmap/headway-slos", "--namespace=shop", "--output=json")
	file := filepath.Join(t.TempDir(), "admitted.json")
	if err := os.WriteFile(file, []byte(pod+"\n---\n"+objectives), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// decode reads an object in JSON, which is YAML too.
func decode(t *testing.T, text string, to *object) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), new(any)); err != nil {
		t.Fatal(err)
	}
	*to = readObjects(t, "kubectl", []byte(text))[0]
}
