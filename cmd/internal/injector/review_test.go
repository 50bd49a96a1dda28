package injector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
)

// review is the body of a review of a new pod in the namespace shop.
func review(t testing.TB, p *corev1.Pod, change func(r *admissionv1.AdmissionRequest)) []byte {
	t.Helper()
	object, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	r := &admissionv1.AdmissionRequest{
		UID: "705ab4f5", Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Namespace: "shop", Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: object},
	}
	if change != nil {
		change(r)
	}
	text, err := json.Marshal(&admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// webhook returns a webhook whose API server is s.
func webhook(t testing.TB, s *apiServer) *injector.Webhook {
	t.Helper()
	w, err := injector.New(&injector.Config{Namespace: own, Name: "headway-injector", Settings: *settings()}, s.config(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// post sends a body to w and returns the answer, nil if its status is not 200.
func post(t testing.TB, w http.Handler, body []byte) (*admissionv1.AdmissionResponse, int) {
	t.Helper()
	recorded := httptest.NewRecorder()
	w.ServeHTTP(recorded, httptest.NewRequest(http.MethodPost, "/mutate", bytes.NewReader(body)))
	if recorded.Code != http.StatusOK {
		return nil, recorded.Code
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(recorded.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v in %s", err, recorded.Body)
	}
	if answer.APIVersion != "admission.k8s.io/v1" || answer.Kind != "AdmissionReview" || answer.Response == nil {
		t.Fatalf("the answer is %s", recorded.Body)
	}
	return answer.Response, recorded.Code
}

func TestAReviewIsAnswered(t *testing.T) {
	s := newAPIServer()
	s.put("/api/v1/namespaces/shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`)
	s.put("/api/v1/namespaces/strict", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"strict","labels":{"headway.dev/strict":"true"}}}`)
	s.put("/api/v1/namespaces/all", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"all","labels":{"headway.dev/inject":"enabled"}}}`)
	in := func(namespace string) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) { r.Namespace = namespace }
	}
	quiet := with(asking(openAI), func(p *corev1.Pod) { p.Labels = nil })
	for _, tt := range []struct {
		name    string
		body    []byte
		status  int
		patched bool
		refused string
		warning string
	}{
		{"a pod that asks", review(t, asking(openAI), nil), 200, true, "", ""},
		{"a pod of a namespace that asks", review(t, quiet, in("all")), 200, true, "", ""},
		{"a pod that does not ask", review(t, quiet, nil), 200, false, "", ""},
		{"a pod of an unknown namespace, which somebody selected", review(t, quiet, in("nowhere")), 200, true, "", ""},
		{"a mistake", review(t, asking("upstraem: x"), nil), 200, false, "", "did you mean headway.dev/upstream?"},
		{"a mistake in a strict namespace", review(t, asking("upstraem: x"), in("strict")), 200, false, "The namespace is strict", ""},
		{"another kind", review(t, asking(openAI), func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "Deployment" }), 200, false, "", ""},
		{"a change of a pod", review(t, asking(openAI), func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Update }), 200, false, "", ""},
		{"a part of a pod", review(t, asking(openAI), func(r *admissionv1.AdmissionRequest) { r.SubResource = "ephemeralcontainers" }), 200, false, "", ""},
		{"a pod that is none", review(t, asking(openAI), func(r *admissionv1.AdmissionRequest) { r.Object.Raw = []byte(`{"spec":[]}`) }), 200, false, "", "no sidecar: reading the pod"},
		{"no review", []byte(`{}`), 400, false, "", ""},
		{"an old review", []byte(`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}`), 400, false, "", ""},
		{"no JSON", []byte(`x`), 400, false, "", ""},
		{"nothing", nil, 400, false, "", ""},
		{"too much", bytes.Repeat([]byte(" "), 3<<20+1), 413, false, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, status := post(t, webhook(t, s), tt.body)
			if status != tt.status {
				t.Fatalf("status %d, want %d", status, tt.status)
			}
			if answer == nil {
				return
			}
			if answer.UID != "705ab4f5" || answer.Allowed != (tt.refused == "") || (answer.Patch != nil) != tt.patched || (answer.PatchType != nil) != tt.patched {
				t.Errorf("%+v", answer)
			}
			if tt.refused != "" && (answer.Result == nil || answer.Result.Code != 403 || !strings.Contains(answer.Result.Message, tt.refused)) {
				t.Errorf("%+v", answer.Result)
			}
			if text := strings.Join(answer.Warnings, "\n"); (text == "") != (tt.warning == "") || !strings.Contains(text, tt.warning) {
				t.Errorf("warnings %q", answer.Warnings)
			}
		})
	}
}

func TestAPodThatIsLeftGetsAnEventOnItsOwner(t *testing.T) {
	yes := true
	owned := with(asking("upstraem: x", openAI), func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "u", Controller: &yes}}
	})
	const path = "/api/v1/namespaces/shop/events"
	for _, tt := range []struct {
		name   string
		pod    *corev1.Pod
		change func(*admissionv1.AdmissionRequest)
		times  int
		want   string // kind/name and reason of the only event; empty for none
	}{
		{"of a controller", owned, nil, 3, "ReplicaSet/web-1 SidecarLeftOut"},
		{"of nobody", asking("upstraem: x", openAI), nil, 1, "Pod/shop SidecarLeftOut"},
		{"with a sidecar and a warning", with(asking(openAI), env("OPENAI_BASE_URL", "x")), nil, 1, "Pod/shop SidecarWarning"},
		{"a dry run", owned, func(r *admissionv1.AdmissionRequest) { r.DryRun = &yes }, 1, ""},
		{"without a warning", asking(openAI), nil, 1, ""},
		{"without a name", with(asking("upstraem: x"), func(p *corev1.Pod) { p.Name = "" }), nil, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newAPIServer()
				s.put("/api/v1/namespaces/shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`)
				w := webhook(t, s)
				ctx, cancel := context.WithCancel(t.Context())
				go w.Record(ctx)
				for range tt.times {
					post(t, w, review(t, tt.pod, tt.change))
					time.Sleep(time.Second)
				}
				cancel()
				synctest.Wait()
				made := s.below(path)
				if tt.want == "" {
					if len(made) > 0 {
						t.Errorf("there are %q", made)
					}
					return
				}
				var e corev1.Event
				if len(made) != 1 || !s.get(made[0], &e) {
					t.Fatalf("there are %q", made)
				}
				if got := e.InvolvedObject.Kind + "/" + e.InvolvedObject.Name + " " + e.Reason; got != tt.want || e.Message == "" || e.Type != corev1.EventTypeWarning {
					t.Errorf("got %q: %q, want %q", got, e.Message, tt.want)
				}
			})
		})
	}
}

// A namespace is read once in ten seconds, and an answer waits for nothing else.
func TestANamespaceIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put("/api/v1/namespaces/shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`)
		w := webhook(t, s)
		for range 100 {
			post(t, w, review(t, asking(openAI), nil))
		}
		if want := []string{"GET /api/v1/namespaces/shop"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
		s.put("/api/v1/namespaces/shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"headway.dev/strict":"true"}}}`)
		time.Sleep(11 * time.Second)
		if answer, _ := post(t, w, review(t, asking(), nil)); answer.Allowed {
			t.Error("the new label has no effect")
		}
	})
}

// Whatever the body is, Decode returns, and what it takes for a new pod can be decided.
func FuzzDecode(f *testing.F) {
	f.Add(review(f, asking(openAI), nil))
	f.Add(review(f, asking("mode: transparent", "memory-limit: 1"), nil))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"kind":{"version":"v1","kind":"Pod"},"operation":"CREATE","object":{"metadata":{"annotations":{"headway.dev/routes":"/a=b","headway.dev/inject":"true"}},"spec":{"containers":[{}]}}}}`))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, p, err := injector.Decode(body)
		if r == nil && err == nil || p != nil && err != nil {
			t.Fatalf("%v, %v, %v", r, p, err)
		}
		if p == nil {
			return
		}
		v := injector.Mutate(p, &injector.Namespace{Name: "shop", Labels: map[string]string{injector.Inject: "true"}}, own, settings())
		if v.Result == injector.Left && (len(v.Patch) > 0 || len(v.Warnings) == 0) || v.Refusal != "" {
			t.Fatalf("%+v", v)
		}
		for _, w := range v.Warnings {
			if len(w) > 256 || strings.ContainsAny(w, "\n\r\x00") {
				t.Fatalf("%q", w)
			}
		}
		if v.Result != injector.Injected {
			return
		}
		after := patched(t, p, &v)
		if again := injector.Mutate(after, &injector.Namespace{Name: "shop", Labels: map[string]string{injector.Inject: "true"}}, own, settings()); len(again.Patch) > 0 {
			t.Fatalf("the second patch: %+v", again.Patch)
		}
	})
}

func BenchmarkReview(b *testing.B) {
	s := newAPIServer()
	s.put("/api/v1/namespaces/shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`)
	w, body := webhook(b, s), review(b, asking(openAI), nil)
	b.ReportAllocs()
	for b.Loop() {
		recorded := httptest.NewRecorder()
		w.ServeHTTP(recorded, httptest.NewRequest(http.MethodPost, "/mutate", bytes.NewReader(body)))
		if recorded.Code != http.StatusOK {
			b.Fatal(recorded.Code)
		}
	}
}

// A namespace that cannot be read is asked for again after a second, not for each pod.
func TestANamespaceThatCannotBeReadIsNotAskedForEachPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		w := webhook(t, s)
		for range 100 {
			if answer, _ := post(t, w, review(t, asking(openAI), nil)); len(answer.Patch) == 0 {
				t.Fatal("no sidecar")
			}
		}
		time.Sleep(2 * time.Second)
		post(t, w, review(t, asking(openAI), nil))
		if len(s.asked) != 2 {
			t.Errorf("asked %q", s.asked)
		}
	})
}

var errBroken = errors.New("the client is gone")

func TestABodyThatBreaksOffIsNoReview(t *testing.T) {
	recorded := httptest.NewRecorder()
	body := io.MultiReader(strings.NewReader("{"), &broken{})
	webhook(t, newAPIServer()).ServeHTTP(recorded, httptest.NewRequest(http.MethodPost, "/mutate", body))
	if recorded.Code != http.StatusBadRequest {
		t.Errorf("status %d", recorded.Code)
	}
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errBroken }
