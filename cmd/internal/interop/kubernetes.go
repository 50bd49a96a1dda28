package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kubernetes is a real API server with an etcd of its own, on loopback. There are no
// controllers, schedulers or kubelets: objects are checked and stored, and pods do not
// run.
type Kubernetes struct {
	Host, Port string            // as pods have them in KUBERNETES_SERVICE_HOST and _PORT
	URL        string            // of both
	CA         string            // file with the certificate of the authority that signed the server's
	Tokens     map[string]string // by user
	Server     *Process
}

// Administrator is the user of a Kubernetes who may do everything.
const Administrator = "administrator"

// StartKubernetes starts an API server and returns when it answers. Beside the
// Administrator it knows the users, whom RBAC allows nothing yet. `make interop-all`
// installs the server, which takes long to build. So other runs skip the test: they do
// not set HEADWAY_TEST_KUBERNETES.
func StartKubernetes(t *testing.T, users ...string) *Kubernetes {
	t.Helper()
	if os.Getenv("HEADWAY_TEST_KUBERNETES") == "" {
		t.Skip("make interop-all runs this test, with a real API server")
	}
	dir, address := t.TempDir(), FreeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	k := &Kubernetes{Host: host, Port: port, URL: "https://" + address, CA: filepath.Join(dir, "tls.crt"), Tokens: map[string]string{}}
	var table strings.Builder
	for i, user := range append(users, Administrator) {
		k.Tokens[user] = "token-of-" + user
		groups := ""
		if user == Administrator {
			groups = ",system:masters"
		}
		fmt.Fprintf(&table, "%s,%s,%d%s\n", k.Tokens[user], user, i, groups)
	}
	writeFile(t, filepath.Join(dir, "tokens.csv"), table.String())
	certify(t, dir)
	k.Server = Start(t, nil, Tool(t, "bin/kube-apiserver"),
		"--etcd-servers="+startEtcd(t),
		"--bind-address="+host, "--secure-port="+port,
		"--tls-cert-file="+k.CA, "--tls-private-key-file="+filepath.Join(dir, "tls.key"),
		"--token-auth-file="+filepath.Join(dir, "tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+filepath.Join(dir, "tls.key"), "--service-account-signing-key-file="+filepath.Join(dir, "tls.key"),
		"--disable-admission-plugins=ServiceAccount", // without a controller no service account is made by itself
		"--endpoint-reconciler-type=none", "--shutdown-delay-duration=0s")
	Eventually(t, 2*time.Minute, func() error { return k.ready() })
	return k
}

// startEtcd starts an etcd and returns its URL.
func startEtcd(t *testing.T) string {
	t.Helper()
	exe, err := exec.LookPath("etcd")
	if err != nil {
		t.Fatalf("etcd is missing: run .ci/interop/install all (%v)", err)
	}
	clients, peers := "http://"+FreeAddress(t), "http://"+FreeAddress(t)
	p := Start(t, nil, exe, "--data-dir="+filepath.Join(t.TempDir(), "etcd"), "--log-level=error",
		"--listen-client-urls="+clients, "--advertise-client-urls="+clients,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers)
	t.Cleanup(func() { // etcd ends itself with the signal, not with exit code 0
		p.Signal(t, syscall.SIGTERM)
		p.Exit(t, 20*time.Second)
	})
	return clients
}

// certify writes a certificate for 127.0.0.1 that signs itself, and its key.
func certify(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	writeFile(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})))
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ready asks whether the server is ready.
func (k *Kubernetes) ready() error {
	text, err := os.ReadFile(k.CA)
	if err != nil {
		return err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodGet, k.URL+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+k.Tokens[Administrator])
	response, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s: %s", response.Status, body), err)
	}
	return nil
}

// Kubectl runs kubectl as user and returns its standard output. The error quotes what it
// wrote to standard error.
func (k *Kubernetes) Kubectl(t *testing.T, user string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), Tool(t, "bin/kubectl"), append([]string{
		"--server=" + k.URL, "--certificate-authority=" + k.CA, "--token=" + k.Tokens[user],
	}, args...)...)
	home := t.TempDir()
	command.Env = []string{"HOME=" + home, "KUBECONFIG=" + filepath.Join(home, "none")}
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}

// Create runs kubectl create as the Administrator.
func (k *Kubernetes) Create(t *testing.T, args ...string) {
	t.Helper()
	if _, err := k.Kubectl(t, Administrator, append([]string{"create"}, args...)...); err != nil {
		t.Fatal(err)
	}
}

// Apply runs kubectl apply as the Administrator.
func (k *Kubernetes) Apply(t *testing.T, args ...string) {
	t.Helper()
	if _, err := k.Kubectl(t, Administrator, append([]string{"apply"}, args...)...); err != nil {
		t.Fatal(err)
	}
}

// Credentials makes the folder that the pods of a service account find in
// /var/run/secrets/kubernetes.io/serviceaccount, with a real token.
func (k *Kubernetes) Credentials(t *testing.T, namespace, account string) string {
	t.Helper()
	token, err := k.Kubectl(t, Administrator, "create", "token", account, "--namespace="+namespace)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(k.CA)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"token": token, "namespace": namespace, "ca.crt": string(ca)} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir
}
