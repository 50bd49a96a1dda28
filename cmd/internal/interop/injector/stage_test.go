//go:build interop

// Package injector_test tests the injector with a real API server: pods are created through
// the webhook and read back.
package injector_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestMain runs the injector in place of the tests if the first argument says so: the
// program itself looks for its credentials in one folder only, which a test cannot have.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := serve(ctx, os.Args[2])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func serve(ctx context.Context, credentials string) error {
	c, err := injector.ReadConfig(os.Environ())
	if err != nil {
		return err
	}
	w, err := injector.New(&c, injector.InCluster(c.APIServer, credentials), slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

// stage is an API server with its webhook, and the replicas that answer.
type stage struct {
	kubernetes  *interop.Kubernetes
	credentials string
	client      *http.Client
}

// replica is one process of the injector.
type replica struct {
	process     *interop.Process
	port, admin string
}

func start(t *testing.T) *stage {
	t.Helper()
	s := &stage{kubernetes: interop.StartKubernetes(t)}
	text, err := os.ReadFile(s.kubernetes.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 20 * time.Second}
	s.apply(t, "1") // where nobody answers
	s.credentials = s.kubernetes.Credentials(t, "headway-system", "headway-injector")
	return s
}

// apply applies what the injector needs, with the port of a replica. It does not touch the
// caBundle.
func (s *stage) apply(t *testing.T, port string) {
	t.Helper()
	text, err := os.ReadFile("testdata/injector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "injector.yaml")
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("PORT"), []byte(port)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kubernetes.Apply(t, "--filename="+file)
}

// replica starts a process of the injector and returns when it is ready.
func (s *stage) replica(t *testing.T) *replica {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := interop.FreeAddress(t), interop.FreeAddress(t)
	_, port, _ := net.SplitHostPort(listen)
	r := &replica{port: port, admin: "http://" + admin}
	r.process = interop.Start(t, []string{
		"KUBERNETES_SERVICE_HOST=" + s.kubernetes.Host, "KUBERNETES_SERVICE_PORT=" + s.kubernetes.Port,
		"HEADWAY_INJECTOR_LISTEN=" + listen, "HEADWAY_INJECTOR_ADMIN_LISTEN=" + admin,
		"HEADWAY_INJECTOR_IMAGE=ghcr.io/headway-sidecar/headway:v1", "HEADWAY_INJECTOR_SERVICE=headway-system/headway-injector",
		"HEADWAY_INJECTOR_WEBHOOK=headway-injector", "HEADWAY_INJECTOR_SECRET=headway-injector-tls",
	}, exe, "serve", s.credentials)
	interop.Eventually(t, 20*time.Second, func() error {
		_, err := interop.Get(r.admin + "/healthz/ready")
		return err
	})
	return r
}

// namespace makes a namespace with labels.
func (s *stage) namespace(t *testing.T, name string, labels ...string) {
	t.Helper()
	s.kubernetes.Create(t, "namespace", name)
	if len(labels) > 0 {
		if out, err := s.kubernetes.Kubectl(t, interop.Administrator, append([]string{"label", "namespace", name}, labels...)...); err != nil {
			t.Fatal(out, err)
		}
	}
}

// create creates a pod by the API, and returns it as the server stored it, with the
// warnings of the answer.
func (s *stage) create(t *testing.T, namespace, query string, p *corev1.Pod) (*corev1.Pod, []string, error) {
	t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.kubernetes.URL+"/api/v1/namespaces/"+namespace+"/pods"+query, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.kubernetes.Tokens[interop.Administrator])
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusCreated {
		return nil, response.Header.Values("Warning"), fmt.Errorf("%s: %s", response.Status, text)
	}
	var stored corev1.Pod
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	return &stored, response.Header.Values("Warning"), nil
}

// events returns the messages of the Events of a namespace.
func (s *stage) events(t *testing.T, namespace string) string {
	t.Helper()
	out, err := s.kubernetes.Kubectl(t, interop.Administrator, "get", "events", "--namespace="+namespace,
		"-o", `jsonpath={range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.reason}: {.message}{"\n"}{end}`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}
