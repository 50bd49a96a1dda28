//go:build interop

package injector_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/pod"
)

// application returns a pod that the Pod Security Standard restricted allows. Annotations
// are "name: value" without the domain.
func application(name string, annotations ...string) *corev1.Pod {
	yes, no, user := true, false, int64(1000)
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{injector.Inject: "true"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v1", SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no,
			Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}}}},
	}
	for _, a := range annotations {
		key, value, _ := strings.Cut(a, ": ")
		metav1.SetMetaDataAnnotation(&p.ObjectMeta, "headway.dev/"+key, value)
	}
	return p
}

const openAI = "upstream: https://api.openai.com"

// sidecars returns the names of the init containers of p.
func sidecars(p *corev1.Pod) string {
	var all []string
	for _, c := range p.Spec.InitContainers {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

// TestInteropKubernetesInjector creates pods through the webhook, and reads them back.
func TestInteropKubernetesInjector(t *testing.T) {
	s := start(t)
	first, second := s.replica(t), s.replica(t)
	s.apply(t, first.port)
	s.namespace(t, "shop")
	s.namespace(t, "strict", "headway.dev/strict=true")
	s.namespace(t, "all", "headway.dev/inject=enabled")
	s.namespace(t, "restricted", "pod-security.kubernetes.io/enforce=restricted")
	s.namespace(t, "baseline", "pod-security.kubernetes.io/enforce=baseline")
	interop.Eventually(t, 20*time.Second, func() error { // until the API server knows the port
		p, _, err := s.create(t, "shop", "?dryRun=All", application("probe", openAI))
		if err == nil && sidecars(p) == "" {
			err = fmt.Errorf("no sidecar yet")
		}
		return err
	})
	t.Run("injects", s.injects)
	t.Run("leaves and refuses", s.leaves)
	t.Run("pod security", s.podSecurity)
	t.Run("events", s.makesEvents)
	t.Run("duration", func(t *testing.T) { s.duration(t, first) })
	t.Run("idle", func(t *testing.T) { idle(t, first) })
	t.Run("another replica", func(t *testing.T) { s.another(t, first, second) })
}

func (s *stage) injects(t *testing.T) {
	quiet := application("quiet", openAI)
	quiet.Labels = nil
	no := application("no", openAI)
	no.Labels[injector.Inject] = "false"
	job := application("job", openAI)
	job.Spec.RestartPolicy = corev1.RestartPolicyNever
	for _, tt := range []struct {
		name, namespace string
		pod             *corev1.Pod
		want            string // init containers
	}{
		{"explicit", "shop", application("explicit", openAI), "headway"},
		{"transparent", "shop", application("transparent", "mode: transparent"), "headway-redirect headway"},
		{"by the namespace", "all", quiet, "headway"},
		{"against the namespace", "all", no, ""},
		{"nobody asked", "shop", quiet, ""},
		{"a pod of a Job", "shop", job, "headway"},
		{"a namespace of the system", "kube-system", application("system", openAI), ""},
		{"many settings", "shop", application("many", openAI, "config-map: slos", "slo-file: /etc/headway/slos.yaml", "state-dir: /var/lib/headway",
			"listen: 127.0.0.1:9480", "admin-listen: 0.0.0.0:9481", "memory-limit: 128Mi", "drain-timeout: 5m", "log-level: debug"), "headway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored, warnings, err := s.create(t, tt.namespace, "", tt.pod)
			if err != nil || len(warnings) > 0 || sidecars(stored) != tt.want {
				t.Fatalf("%v, warnings %q", err, warnings)
			}
			if tt.want == "" {
				return
			}
			c := stored.Spec.InitContainers[len(stored.Spec.InitContainers)-1]
			if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways || c.Ports[0].Name != pod.AdminPort {
				t.Errorf("the sidecar is %+v", c)
			}
			if *stored.Spec.TerminationGracePeriodSeconds < 130 {
				t.Errorf("the grace period is %d s", *stored.Spec.TerminationGracePeriodSeconds)
			}
			// The API server filled in defaults, and may ask again.
			settings := &injector.Settings{Image: "ghcr.io/headway-sidecar/headway:v1", Resources: pod.Resources()}
			ns := &injector.Namespace{Name: tt.namespace, Labels: map[string]string{injector.Inject: "enabled"}}
			if v := injector.Mutate(stored, ns, "headway-system", settings); v.Result != injector.Unchanged {
				t.Errorf("the second time: %s, %+v, %q", v.Result, v.Patch, v.Warnings)
			}
		})
	}
}

func (s *stage) leaves(t *testing.T) {
	taken := application("taken", openAI)
	taken.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8480}}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"unknown annotation", application("unknown", openAI, "upstraem: x"), "did you mean headway.dev/upstream?"},
		{"bad value", application("value", "upstream: api.openai.com"), "headway.dev/upstream: "},
		{"port taken", taken, "container app: port 8480 is also the sidecar's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored, warnings, err := s.create(t, "shop", "", tt.pod)
			if err != nil || sidecars(stored) != "" || len(warnings) != 1 || !strings.Contains(warnings[0], tt.want) {
				t.Errorf("%v, warnings %q", err, warnings)
			}
			_, _, err = s.create(t, "strict", "", tt.pod)
			if err == nil || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("strict: %v", err)
			}
		})
	}
}

// podSecurity shows what docs/injector.md says about Pod Security admission.
func (s *stage) podSecurity(t *testing.T) {
	for _, namespace := range []string{"restricted", "baseline"} {
		stored, warnings, err := s.create(t, namespace, "", application("explicit", openAI, "state-dir: /var/lib/headway"))
		if err != nil || sidecars(stored) != "headway" || len(warnings) > 0 {
			t.Errorf("%s, explicit: %v, %q", namespace, err, warnings)
		}
		stored, warnings, err = s.create(t, namespace, "", application("transparent", "mode: transparent"))
		if err != nil || sidecars(stored) != "" || len(warnings) != 1 || !strings.Contains(warnings[0], "NET_ADMIN") {
			t.Errorf("%s, transparent: %v, %q", namespace, err, warnings)
		}
	}
	transparent, _, err := s.create(t, "shop", "?dryRun=All", application("template", "mode: transparent"))
	if err != nil {
		t.Fatal(err)
	}
	transparent.ObjectMeta = metav1.ObjectMeta{Name: "by-hand", Labels: map[string]string{injector.Inject: "false"}}
	_, _, err = s.create(t, "baseline", "", transparent)
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity \"baseline:latest\": non-default capabilities (container \"headway-redirect\" must not include \"NET_ADMIN\"`) {
		t.Errorf("the same pod by hand: %v", err)
	}
	transparent.Spec.InitContainers[0].SecurityContext.Capabilities.Add = nil // NET_ADMIN is all that baseline objects to
	if _, _, err = s.create(t, "baseline", "?dryRun=All", transparent); err != nil {
		t.Errorf("the same pod without NET_ADMIN: %v", err)
	}
}

func (s *stage) makesEvents(t *testing.T) {
	s.namespace(t, "events")
	yes := true
	owned := application("owned", openAI, "upstraem: x")
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "8a5b8a4e-7a0c-4f5e-9d61-000000000000", Controller: &yes}}
	if _, _, err := s.create(t, "events", "?dryRun=All", owned); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.create(t, "events", "", application("single", openAI, "upstraem: x")); err != nil {
		t.Fatal(err)
	}
	const single = "Pod/single SidecarLeftOut: headway: no sidecar: headway.dev/upstraem"
	interop.Eventually(t, 10*time.Second, func() error {
		if got := s.events(t, "events"); !strings.HasPrefix(got, single) || strings.Contains(got, "\n") { // none of the dry run
			return fmt.Errorf("the events are %q", got)
		}
		return nil
	})
	if _, _, err := s.create(t, "events", "", owned); err != nil {
		t.Fatal(err)
	}
	interop.Eventually(t, 10*time.Second, func() error {
		if got := s.events(t, "events"); !strings.Contains(got, "ReplicaSet/web-1 SidecarLeftOut: ") {
			return fmt.Errorf("the events are %q", got)
		}
		return nil
	})
}

// duration logs how long creations of pods take with the webhook and without it, in turns.
func (s *stage) duration(t *testing.T, r *replica) {
	const pods = 200
	took := map[bool][]time.Duration{}
	for i := range 2 * pods {
		p, asks := application(fmt.Sprintf("p%d", i), openAI), i%2 == 0
		if !asks {
			p.Labels = nil
		}
		began := time.Now()
		stored, _, err := s.create(t, "shop", "", p)
		took[asks] = append(took[asks], time.Since(began))
		if err != nil || (sidecars(stored) != "") != asks {
			t.Fatal(i, err)
		}
	}
	for asks, all := range took {
		slices.Sort(all)
		t.Logf("%d creations, with the webhook %v: p50 %v, p99 %v", len(all), asks, all[len(all)/2], all[len(all)*99/100])
	}
	metrics, err := interop.Get(r.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "headway_injector_admission") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// idle logs what a replica needs while nobody asks.
func idle(t *testing.T, r *replica) {
	const tick = 10 * time.Millisecond // of user time in /proc: 100 a second on every Linux
	used := func() time.Duration {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.process.PID()))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		return time.Duration(user+system) * tick
	}
	const watched = 30 * time.Second
	before := used()
	time.Sleep(watched)
	cpu := used() - before
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "RssAnon") {
			t.Log(strings.TrimSpace(line))
		}
	}
	t.Logf("%v of CPU in %v: %.1f m", cpu, watched, 1000*cpu.Seconds()/watched.Seconds())
}

// another ends the replica that answered: the other one has the same certificate, which the
// API server trusts.
func (s *stage) another(t *testing.T, first, second *replica) {
	first.process.Stop(t)
	left, warnings, err := s.create(t, "shop", "", application("nobody", openAI))
	if err != nil || sidecars(left) != "" || len(warnings) > 0 {
		t.Errorf("without an answer: %v, %q", err, warnings)
	}
	s.apply(t, second.port)
	interop.Eventually(t, 10*time.Second, func() error {
		p, _, err := s.create(t, "shop", "?dryRun=All", application("another", openAI))
		if err == nil && sidecars(p) == "" {
			err = fmt.Errorf("no sidecar")
		}
		return err
	})
	secrets, err := s.kubernetes.Kubectl(t, interop.Administrator, "get", "secrets", "--namespace=headway-system", "-o", "name")
	if err != nil || strings.TrimSpace(secrets) != "secret/headway-injector-tls" {
		t.Errorf("the secrets are %q, %v", secrets, err)
	}
}

// TestInteropKubernetesRightsOfTheInjector tells what the injector's service account may do.
func TestInteropKubernetesRightsOfTheInjector(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		args string
		may  bool
	}{
		{"get secrets/headway-injector-tls --namespace=headway-system", true},
		{"update secrets/headway-injector-tls --namespace=headway-system", true},
		{"patch mutatingwebhookconfigurations/headway-injector", true},
		{"get namespaces", true},
		{"create events --namespace=shop", true},
		{"get secrets/other --namespace=headway-system", false},
		{"list secrets --namespace=headway-system", false},
		{"get secrets --namespace=shop", false},
		{"patch mutatingwebhookconfigurations/other", false},
		{"create pods --namespace=shop", false},
		{"get pods --namespace=shop", false},
		{"list namespaces", false},
	} {
		args := append([]string{"auth", "can-i", "--as=system:serviceaccount:headway-system:headway-injector"}, strings.Fields(tt.args)...)
		out, err := s.kubernetes.Kubectl(t, interop.Administrator, args...) // "no" is exit code 1
		if may := strings.TrimSpace(out) == "yes"; may != tt.may || may != (err == nil) {
			t.Errorf("%s: %q, %v", tt.args, out, err)
		}
	}
}
