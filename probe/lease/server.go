package lease

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Credentials is the folder in which a pod finds the token of its service account, the
// certificate of the API server's authority and the name of its namespace.
const Credentials = "/var/run/secrets/kubernetes.io/serviceaccount"

// ErrOutside is the error of InCluster in a process that is no pod.
var ErrOutside = errors.New("this process runs in no Kubernetes cluster: KUBERNETES_SERVICE_HOST is not set")

// Server is an API server of Kubernetes, and how a process proves to it who it is.
type Server struct {
	URL       string // without a slash at its end
	Token     func() (string, error)
	Transport http.RoundTripper
}

// InCluster returns the API server of the cluster in which this process is a pod. host
// and port are KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which Kubernetes sets
// in every container, and dir is Credentials. Kubernetes replaces the files in dir from
// time to time, so the Server reads them again before every request. It uses no HTTP
// proxy: pods reach their API server directly. The error is ErrOutside without a host.
func InCluster(host, port, dir string) (Server, error) {
	if host == "" {
		return Server{}, ErrOutside
	}
	token := func() (string, error) { return credential(dir, "token") }
	trust := &trusting{file: filepath.Join(dir, "ca.crt")}
	_, tokenErr := token()
	_, trustErr := trust.current()
	if err := errors.Join(tokenErr, trustErr); err != nil {
		return Server{}, err
	}
	return Server{URL: "https://" + net.JoinHostPort(host, port), Token: token, Transport: trust}, nil
}

// Namespace returns the namespace of the pod whose credentials are in dir.
func Namespace(dir string) (string, error) { return credential(dir, "namespace") }

// credential reads a file of one word.
func credential(dir, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("reading the credentials of the pod: %w", err)
	}
	word := strings.TrimSpace(string(text))
	if word == "" || strings.ContainsAny(word, " \r\n") {
		return "", fmt.Errorf("reading the credentials of the pod: %s is empty or has several words", filepath.Join(dir, name))
	}
	return word, nil
}

// trusting is a transport that trusts the authorities in a file, as it is now.
type trusting struct {
	file string

	mu        sync.Mutex
	pem       []byte
	transport *http.Transport // for pem
}

// RoundTrip implements http.RoundTripper.
func (t *trusting) RoundTrip(r *http.Request) (*http.Response, error) {
	transport, err := t.current()
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

// current returns the transport for the present content of the file.
func (t *trusting) current() (*http.Transport, error) {
	pem, err := os.ReadFile(t.file)
	if err != nil {
		return nil, fmt.Errorf("reading the authority of the API server: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.transport != nil && bytes.Equal(pem, t.pem) {
		return t.transport, nil
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the authority of the API server: %s has no certificate", t.file)
	}
	if t.transport != nil {
		t.transport.CloseIdleConnections()
	}
	t.pem = pem
	t.transport = &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12},
		IdleConnTimeout:     time.Minute,
		MaxIdleConnsPerHost: 1,
	}
	return t.transport, nil
}
