package injector

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"github.com/headway-sidecar/headway/cmd/internal/build"
)

// requestTimeout bounds a request to the API server.
const requestTimeout = 5 * time.Second

// The requests a second that the injector makes at most, and how many at once. Whoever
// reaches the webhook can cause Events, so these have a limit of their own.
const (
	queries, queriesAtOnce = 50, 100
	events, eventsAtOnce   = 5, 25
)

// Cluster is the API server, with the few kinds of objects that the injector needs. It is
// safe for concurrent use.
type Cluster struct {
	core, events, admission *rest.RESTClient
}

// InCluster returns where a pod finds the API server at host:port, with the token and the
// authority in the folder credentials. The token is read again when it changes.
func InCluster(hostPort, credentials string) *rest.Config {
	return &rest.Config{
		Host: "https://" + hostPort, BearerTokenFile: filepath.Join(credentials, "token"),
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(credentials, "ca.crt")},
	}
}

// NewCluster returns the API server that c leads to.
func NewCluster(c *rest.Config) (*Cluster, error) {
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(known); err != nil {
			return nil, err
		}
	}
	metav1.AddToGroupVersion(known, schema.GroupVersion{Version: "v1"})
	shared := rest.CopyConfig(c)
	shared.UserAgent = "headway-injector/" + build.Info().Version
	shared.Timeout = requestTimeout
	shared.NegotiatedSerializer = serializer.NewCodecFactory(known).WithoutConversion()
	client, err := rest.HTTPClientFor(shared)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials of the pod: %w", err)
	}
	one := func(of schema.GroupVersion, path string, perSecond float32, atOnce int) *rest.RESTClient {
		own := rest.CopyConfig(shared)
		own.GroupVersion, own.APIPath, own.QPS, own.Burst = &of, path, perSecond, atOnce
		made, e := rest.RESTClientForConfigAndClient(own, client)
		if e != nil {
			err = e
		}
		return made
	}
	cluster := &Cluster{
		core:      one(corev1.SchemeGroupVersion, "/api", queries, queriesAtOnce),
		events:    one(corev1.SchemeGroupVersion, "/api", events, eventsAtOnce),
		admission: one(admissionregistrationv1.SchemeGroupVersion, "/apis", queries, queriesAtOnce),
	}
	return cluster, err
}

// CheckVersion returns an error if the API server is older than native sidecars. It would
// drop the field that makes one, and the pod would wait for an init container without end.
func (c *Cluster) CheckVersion(ctx context.Context) error {
	text, err := c.core.Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return fmt.Errorf("asking the API server for its version: %w", err)
	}
	var v apiversion.Info
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("reading the version of the API server: %w", err)
	}
	major, _ := strconv.Atoi(v.Major)
	minor, err := strconv.Atoi(strings.TrimRight(v.Minor, "+")) // clouds write 29+
	if err != nil || major < 1 {
		return fmt.Errorf("the API server has the version %q.%q, which is no number", v.Major, v.Minor)
	}
	if major == 1 && minor < nativeSidecars {
		return fmt.Errorf("the API server is Kubernetes 1.%d, and native sidecars came with 1.%d: no pod would start", minor, nativeSidecars)
	}
	return nil
}

// nativeSidecars is the minor version of Kubernetes in which the feature SidecarContainers is on
// by default. https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
const nativeSidecars = 29

func (c *Cluster) namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	var n corev1.Namespace
	err := c.core.Get().Resource("namespaces").Name(name).Do(ctx).Into(&n)
	return &n, err
}

func (c *Cluster) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	var s corev1.Secret
	err := c.core.Get().Namespace(namespace).Resource("secrets").Name(name).Do(ctx).Into(&s)
	return &s, err
}

func (c *Cluster) createSecret(ctx context.Context, s *corev1.Secret) error {
	return c.core.Post().Namespace(s.Namespace).Resource("secrets").Body(s).Do(ctx).Error()
}

// updateSecret replaces the version of the Secret that s is. If somebody else was quicker,
// the error is a conflict.
func (c *Cluster) updateSecret(ctx context.Context, s *corev1.Secret) error {
	return c.core.Put().Namespace(s.Namespace).Resource("secrets").Name(s.Name).Body(s).Do(ctx).Error()
}

func (c *Cluster) webhook(ctx context.Context, name string) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	var w admissionregistrationv1.MutatingWebhookConfiguration
	err := c.admission.Get().Resource("mutatingwebhookconfigurations").Name(name).Do(ctx).Into(&w)
	return &w, err
}

// patchWebhook applies a JSON Patch to the webhook configuration of that name.
func (c *Cluster) patchWebhook(ctx context.Context, name string, patch []Operation) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return c.admission.Patch(types.JSONPatchType).Resource("mutatingwebhookconfigurations").Name(name).Body(text).Do(ctx).Error()
}

func (c *Cluster) createEvent(ctx context.Context, e *corev1.Event) error {
	return c.events.Post().Namespace(e.Namespace).Resource("events").Body(e).Do(ctx).Error()
}
