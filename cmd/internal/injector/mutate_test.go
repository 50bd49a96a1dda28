package injector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/cmd/internal/pod"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const own = "headway-system"

// settings are those of the tests: an image, and nothing that the pods do not ask for.
func settings() *injector.Settings {
	return &injector.Settings{Image: "registry.example.com/headway:v1", Resources: pod.Resources()}
}

// asking returns a pod with the label, with annotations, each "name: value" without the
// domain, and with a container.
func asking(annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{injector.Inject: "true"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v1"}}},
	}
	for _, a := range annotations {
		name, value, _ := strings.Cut(a, ": ")
		metav1.SetMetaDataAnnotation(&p.ObjectMeta, "headway.dev/"+name, value)
	}
	return p
}

// with returns p after it was changed.
func with(p *corev1.Pod, change func(p *corev1.Pod)) *corev1.Pod {
	change(p)
	return p
}

func env(name, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: name, Value: value})
	}
}

func port(n int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: n}} }
}

const openAI = "upstream: https://api.openai.com"

// patched applies the patch of v to p as the API server does.
func patched(t *testing.T, p *corev1.Pod, v *injector.Verdict) *corev1.Pod {
	t.Helper()
	before, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v.Patch)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Patch) == 0 {
		return p.DeepCopy()
	}
	decoded, err := jsonpatch.DecodePatch(text)
	if err != nil {
		t.Fatal(err)
	}
	after, err := decoded.Apply(before)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var out corev1.Pod
	if err := json.Unmarshal(after, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

// Each golden file has a pod after its injection.
func TestAPodGetsASidecar(t *testing.T) {
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
	}{
		{"explicit", asking(openAI)},
		{"transparent", asking("mode: transparent")},
		{"everything", with(asking("upstream: https://api.anthropic.com", "routes: /openai=https://api.openai.com,/local=http://vllm:8000",
			"config-map: slos", "slo-file: /etc/headway/slos.yaml", "state-dir: /var/lib/headway", "spool-dir: /var/lib/headway", "capture-file: /var/lib/headway/c.jsonl",
			"image: registry.example.com/headway:v2", "cpu-request: 100m", "memory-request: 96Mi", "memory-limit: 512Mi",
			"listen: 127.0.0.1:9480", "admin-listen: 0.0.0.0:9481", "scrape-wait: 30s", "admin-web-config: /etc/headway/web.yaml"), func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "migrate", Image: "app:v1"}}
			p.Spec.Volumes = []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "worker", Image: "worker:v1", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}})
			port(8480)(p)
		})},
		{"server", with(asking("role: server", "listen: 0.0.0.0:8480", "upstream: http://127.0.0.1:8000"), port(8000))},
		{"job", with(asking(openAI), func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.pod.DeepCopy()
			v := injector.Mutate(tt.pod, &injector.Namespace{Name: "shop"}, own, settings())
			if v.Result != injector.Injected || len(v.Warnings) > 0 || v.Refusal != "" {
				t.Fatalf("%s, %q, %q", v.Result, v.Warnings, v.Refusal)
			}
			if a, b := fmt.Sprint(before), fmt.Sprint(tt.pod); a != b {
				t.Errorf("the pod itself was changed from\n%s\nto\n%s", a, b)
			}
			after := patched(t, tt.pod, &v)
			text, err := yaml.Marshal(after)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "testdata/"+tt.name+".yaml", strings.ReplaceAll(string(text), "/version: "+after.Annotations["headway.dev/version"]+"\n", "/version: VERSION\n"))
			if again := injector.Mutate(after, &injector.Namespace{Name: "shop"}, own, settings()); again.Result != injector.Unchanged || len(again.Patch) > 0 || len(again.Warnings) > 0 {
				t.Errorf("the second time: %s, %+v, %q", again.Result, again.Patch, again.Warnings)
			}
		})
	}
}

func TestWhoGetsASidecar(t *testing.T) {
	bare := func(change func(*corev1.Pod)) *corev1.Pod {
		return with(asking(openAI), func(p *corev1.Pod) {
			p.Labels = map[string]string{}
			change(p)
		})
	}
	annotated := func(value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Annotations[injector.Inject] = value }
	}
	labelled := func(value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Labels[injector.Inject] = value }
	}
	nothing := func(*corev1.Pod) {}
	asked := map[string]string{injector.Inject: "enabled"}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		ns   injector.Namespace
		want injector.Result
	}{
		{"the pod's label", bare(labelled("true")), injector.Namespace{Name: "shop"}, injector.Injected},
		{"the pod's annotation", bare(annotated("true")), injector.Namespace{Name: "shop"}, injector.Injected},
		{"the namespace", bare(nothing), injector.Namespace{Name: "shop", Labels: asked}, injector.Injected},
		{"the namespace with the pod's own word", bare(nothing), injector.Namespace{Name: "shop", Labels: map[string]string{injector.Inject: "true"}}, injector.Injected},
		{"nobody", bare(nothing), injector.Namespace{Name: "shop"}, injector.Ignored},
		{"a no by label", bare(labelled("false")), injector.Namespace{Name: "shop", Labels: asked}, injector.Ignored},
		{"a no by annotation", bare(annotated("false")), injector.Namespace{Name: "shop", Labels: asked}, injector.Ignored},
		{"a no beside a yes", with(bare(labelled("true")), annotated("false")), injector.Namespace{Name: "shop", Labels: asked}, injector.Ignored},
		{"neither yes nor no", bare(annotated("yes")), injector.Namespace{Name: "shop", Labels: asked}, injector.Left},
		{"a namespace of the system", bare(labelled("true")), injector.Namespace{Name: "kube-system", Labels: asked}, injector.Ignored},
		{"the namespace of node leases", bare(labelled("true")), injector.Namespace{Name: "kube-node-lease"}, injector.Ignored},
		{"the injector's own namespace", bare(labelled("true")), injector.Namespace{Name: own, Labels: asked}, injector.Ignored},
	} {
		v := injector.Mutate(tt.pod, &tt.ns, own, settings())
		if v.Result != tt.want || (len(v.Patch) > 0) != (tt.want == injector.Injected) {
			t.Errorf("%s: %s, %d operations, %q; want %s", tt.name, v.Result, len(v.Patch), v.Warnings, tt.want)
		}
	}
}

// The bad input: the pod is admitted as it came, with a warning, or refused in a strict
// namespace.
func TestWhatKeepsTheSidecarOut(t *testing.T) {
	as := func(user int64) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &user} }
	}
	beside := func(c corev1.Container) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Containers = append(p.Spec.Containers, c) }
	}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		ns   map[string]string
		want []string // one for each warning, which holds it
	}{
		{"unknown annotation", asking("upstraem: https://api.openai.com", openAI), nil, []string{"headway.dev/upstraem: the injector knows no such annotation; did you mean headway.dev/upstream?"}},
		{"annotation that is nothing like one", asking("xyzzyplugh: 1", openAI), nil, []string{"headway.dev/xyzzyplugh: the injector knows no such annotation: docs/injector.md lists them"}},
		{"annotation that the pod's fields set", asking("pod-name: x", openAI), nil, []string{"headway.dev/pod-name: the sidecar gets it from its pod"}},
		{"setting as a label", with(asking(openAI), func(p *corev1.Pod) { p.Labels["headway.dev/role"] = "client" }), nil, []string{"headway.dev/role: has no effect as a label"}},
		{"no upstream", asking(), nil, []string{"headway.dev/upstream: is not set"}},
		{"bad value", asking("upstream: api.openai.com"), nil, []string{`headway.dev/upstream: "api.openai.com"`}},
		{"bad values, all at once", asking(openAI, "role: sever", "drain-timeout: soon"), nil, []string{
			`headway.dev/drain-timeout: "soon" is no duration, which is a number and its unit (ms, s, m or h) without a space; for example headway.dev/drain-timeout: 10m`,
			`headway.dev/role: "sever" is none of client, server: did you mean server?; for example headway.dev/role: client`}},
		{"bad mode", asking(openAI, "mode: transparemt"), nil, []string{`headway.dev/mode: "transparemt" is none of explicit, transparent: did you mean transparent?`}},
		{"bad ConfigMap", asking(openAI, "config-map: A B"), nil, []string{`headway.dev/config-map: "A B" is no name of a ConfigMap`}},
		{"bad image", asking(openAI, "image: "), nil, []string{`headway.dev/image: "" is no name of an image`}},
		{"bad quantity", asking(openAI, "cpu-request: much", "memory-request: -1"), nil, []string{`headway.dev/cpu-request: "much" is no quantity above 0`, `headway.dev/memory-request: "-1" is no quantity above 0`}},
		{"too little memory", asking(openAI, "memory-limit: 1Mi"), nil, []string{`headway.dev/memory-limit: "1Mi" is less than 32Mi`}},
		{"limit below the request", asking(openAI, "memory-limit: 48Mi"), nil, []string{`headway.dev/memory-limit: "48Mi" is less than the request of 64Mi`}},
		{"file without its ConfigMap", asking(openAI, "slo-file: /etc/headway/slos.yaml"), nil, []string{"headway.dev/slo-file: "}},
		{"a sidecar by name", with(asking(openAI), beside(corev1.Container{Name: "headway", Image: "x"})), nil, []string{"container headway: the pod has a sidecar already"}},
		{"a sidecar by image", with(asking(openAI), beside(corev1.Container{Name: "proxy", Image: "ghcr.io/headway-sidecar/headway:v1@sha256:0", Args: []string{"run"}})), nil, []string{"container proxy: the pod has a sidecar already"}},
		{"the port of the traffic", with(asking(openAI), port(8480)), nil, []string{"container app: port 8480 is also the sidecar's; choose another one for the sidecar, for example headway.dev/listen: 127.0.0.1:9480"}},
		{"the admin port", with(asking(openAI), port(8481)), nil, []string{"for example headway.dev/admin-listen: 0.0.0.0:9481"}},
		{"the transparent port", with(asking("mode: transparent"), port(8482)), nil, []string{"for example headway.dev/transparent-listen: 0.0.0.0:9482"}},
		{"the name of the admin port", with(asking(openAI), func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "headway-admin", ContainerPort: 1}}
		}), nil, []string{"container app: its port has the name headway-admin"}},
		{"the name of a volume", with(asking(openAI, "state-dir: /var/lib/headway"), func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "headway-data"}} }), nil, []string{"volume headway-data: "}},
		{"the node's network", with(asking("mode: transparent"), func(p *corev1.Pod) { p.Spec.HostNetwork = true }), nil, []string{"spec.hostNetwork: true: "}},
		{"Windows", with(asking(openAI), func(p *corev1.Pod) { p.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }), nil, []string{"the pod is for Windows: "}},
		{"Windows by the node", with(asking(openAI), func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows"} }), nil, []string{"the pod is for Windows: "}},
		{"transparent beside Istio", with(asking("mode: transparent"), func(p *corev1.Pod) { p.Labels["sidecar.istio.io/inject"] = "true" }), nil, []string{"sidecar.istio.io/inject: istio redirects the pod's outbound connections, too"}},
		{"transparent beside Istio's container", with(asking("mode: transparent"), beside(corev1.Container{Name: "istio-proxy"})), nil, []string{"container istio-proxy: istio redirects"}},
		{"transparent in a namespace of Istio", asking("mode: transparent"), map[string]string{"istio-injection": "enabled"}, []string{"istio-injection: istio redirects"}},
		{"transparent beside Linkerd", with(asking("mode: transparent"), func(p *corev1.Pod) { p.Annotations["linkerd.io/inject"] = "enabled" }), nil, []string{"linkerd.io/inject: linkerd redirects"}},
		{"transparent for the sidecar's own user", with(asking("mode: transparent"), as(65532)), nil, []string{"container app: it runs as the user of the sidecar, 65532"}},
		{"transparent where baseline is enforced", asking("mode: transparent"), map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}, []string{"headway.dev/mode: transparent needs NET_ADMIN"}},
		{"transparent where restricted is enforced", asking("mode: transparent"), map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}, []string{"headway.dev/mode: transparent needs NET_ADMIN"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			labels := map[string]string{}
			for k, v := range tt.ns {
				labels[k] = v
			}
			v := injector.Mutate(tt.pod, &injector.Namespace{Name: "shop", Labels: labels}, own, settings())
			if v.Result != injector.Left || len(v.Patch) > 0 || v.Refusal != "" || len(v.Warnings) != len(tt.want) {
				t.Fatalf("%s, %d operations, %q, %q", v.Result, len(v.Patch), v.Warnings, v.Refusal)
			}
			labels[injector.Strict] = "true"
			strict := injector.Mutate(tt.pod, &injector.Namespace{Name: "shop", Labels: labels}, own, settings())
			if strict.Result != injector.Refused || len(strict.Patch) > 0 {
				t.Fatalf("strict: %s, %d operations", strict.Result, len(strict.Patch))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(v.Warnings[i], "headway: no sidecar: ") || !strings.Contains(v.Warnings[i], want) {
					t.Errorf("got %q, want %q", v.Warnings[i], want)
				}
				if !strings.Contains(strict.Refusal, "headway: "+want) && !strings.Contains(strict.Refusal, want) {
					t.Errorf("strict: got %q, want %q", strict.Refusal, want)
				}
			}
		})
	}
}

func TestWhatDoesNotKeepTheSidecarOut(t *testing.T) {
	for name, p := range map[string]*corev1.Pod{
		"explicit beside Istio":                   with(asking(openAI), func(p *corev1.Pod) { p.Labels["sidecar.istio.io/inject"] = "true" }),
		"transparent where Istio is switched off": with(asking("mode: transparent"), func(p *corev1.Pod) { p.Labels["sidecar.istio.io/inject"] = "false" }),
		"a port of UDP": with(asking(openAI), func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8480, Protocol: corev1.ProtocolUDP}}
		}),
		"headway's image for something else": with(asking(openAI), func(p *corev1.Pod) {
			p.Spec.Containers[0].Image, p.Spec.Containers[0].Args = "headway:v1", []string{"probe"}
		}),
		"another image whose name begins so": with(asking(openAI), func(p *corev1.Pod) { p.Spec.Containers[0].Image = "headway-injector:v1" }),
		"annotations of others":              with(asking(openAI), func(p *corev1.Pod) { p.Annotations["example.com/upstraem"] = "x" }),
	} {
		ns := injector.Namespace{Name: "shop", Labels: map[string]string{injector.Strict: "true", "istio-injection": "enabled"}}
		if v := injector.Mutate(p, &ns, own, settings()); v.Result != injector.Injected || len(v.Warnings) > 0 {
			t.Errorf("%s: %s, %q, %q", name, v.Result, v.Warnings, v.Refusal)
		}
	}
}

func TestTheGracePeriodIsNeverLowered(t *testing.T) {
	for _, tt := range []struct{ own, want int64 }{{0, 130}, {30, 130}, {3600, 3600}} {
		p := with(asking(openAI), func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = &tt.own })
		v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
		if got := *patched(t, p, &v).Spec.TerminationGracePeriodSeconds; got != tt.want {
			t.Errorf("%d s became %d, want %d", tt.own, got, tt.want)
		}
	}
}
