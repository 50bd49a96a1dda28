package injector_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
)

const day = 24 * time.Hour

// The paths of what the replicas share.
const (
	secretPath  = "/api/v1/namespaces/headway-system/secrets/tls"
	webhookPath = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/headway-injector"
)

const webhookConfiguration = `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingWebhookConfiguration","metadata":{"name":"headway-injector"},"webhooks":[
	{"name":"namespace.headway.dev","clientConfig":{"service":{"namespace":"headway-system","name":"headway-injector"}}},
	{"name":"other.example.com","clientConfig":{"service":{"namespace":"other","name":"other"},"caBundle":"bWluZQ=="}},
	{"name":"pod.headway.dev","clientConfig":{"service":{"namespace":"headway-system","name":"headway-injector"}}}]}`

func keeper(t *testing.T, s *apiServer) *injector.Keeper {
	t.Helper()
	cluster, err := injector.NewCluster(s.config())
	if err != nil {
		t.Fatal(err)
	}
	return injector.NewKeeper(cluster, &injector.Config{Namespace: "headway-system", Name: "headway-injector", Secret: "tls", Webhook: "headway-injector"}, slog.New(slog.DiscardHandler))
}

// runFor lets keepers run for a while.
func runFor(t *testing.T, d time.Duration, all ...*injector.Keeper) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for _, k := range all {
		go k.Run(ctx)
	}
	<-ctx.Done()
	synctest.Wait()
}

// bundles returns the caBundle of each webhook.
func bundles(t *testing.T, s *apiServer) [][]byte {
	t.Helper()
	var c admissionregistrationv1.MutatingWebhookConfiguration
	if !s.get(webhookPath, &c) {
		t.Fatal("there is no webhook configuration")
	}
	var all [][]byte
	for i := range c.Webhooks {
		all = append(all, c.Webhooks[i].ClientConfig.CABundle)
	}
	return all
}

// leaf returns the certificate that k serves, and fails the test unless the API server
// trusts it now.
func leaf(t *testing.T, s *apiServer, k *injector.Keeper) *x509.Certificate {
	t.Helper()
	if err := k.Ready(); err != nil {
		t.Fatal(err)
	}
	c, err := k.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 2} {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(bundles(t, s)[i])
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "headway-injector.headway-system.svc", CurrentTime: time.Now()}); err != nil {
			t.Fatalf("webhook %d: %v", i, err)
		}
	}
	return c.Leaf
}

func TestReplicasShareOneCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put(webhookPath, webhookConfiguration)
		a, b := keeper(t, s), keeper(t, s)
		if a.Ready() == nil {
			t.Error("ready without a certificate")
		}
		runFor(t, 15*time.Second, a, b)
		if one, other := leaf(t, s, a), leaf(t, s, b); !one.Equal(other) {
			t.Error("the replicas have different certificates")
		}
		var secret corev1.Secret
		if !s.get(secretPath, &secret) || len(secret.Data) != 4 {
			t.Errorf("the Secret has %d entries", len(secret.Data))
		}
		if got := bundles(t, s)[1]; string(got) != "mine" {
			t.Errorf("the webhook of somebody else has the caBundle %q", got)
		}
		one := leaf(t, s, a)
		if time.Until(one.NotAfter).Round(day) != 90*day || one.PublicKeyAlgorithm != x509.ECDSA {
			t.Errorf("%v until %v", one.PublicKeyAlgorithm, one.NotAfter)
		}
	})
}

func TestACertificateIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put(webhookPath, webhookConfiguration)
		a, b := keeper(t, s), keeper(t, s)
		runFor(t, time.Minute, a, b)
		first, bundle := leaf(t, s, a), bundles(t, s)[0]
		time.Sleep(59 * day)
		runFor(t, time.Minute, a, b)
		if !leaf(t, s, a).Equal(first) {
			t.Error("renewed too early")
		}
		time.Sleep(2 * day)
		runFor(t, time.Minute, a, b)
		second := leaf(t, s, a)
		if second.Equal(first) || !second.Equal(leaf(t, s, b)) {
			t.Error("not renewed by both")
		}
		if !bytes.Equal(bundles(t, s)[0], bundle) {
			t.Error("the authority is another one")
		}
	})
}

// While the authority changes, the API server trusts both, and trusts what each replica
// serves at every moment.
func TestAnAuthorityIsRenewedWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put(webhookPath, webhookConfiguration)
		a, b := keeper(t, s), keeper(t, s)
		runFor(t, time.Minute, a, b)
		for range 4 { // 240 days, with the leaf renewed on the way
			time.Sleep(60 * day)
			runFor(t, time.Minute, a, b)
		}
		before, bundle := leaf(t, s, a), bundles(t, s)[0]
		time.Sleep(4 * day) // two thirds of a year are 243 days
		runFor(t, 2*time.Second, a, b)
		both := bundles(t, s)[0]
		if bytes.Equal(both, bundle) || !bytes.HasSuffix(both, bundle) {
			t.Fatal("the caBundle does not have the new authority before the old one")
		}
		if !leaf(t, s, a).Equal(before) || !leaf(t, s, b).Equal(before) {
			t.Error("a replica serves the new certificate before API servers can know its authority")
		}
		for range 30 {
			runFor(t, time.Second, a, b)
			leaf(t, s, a)
			leaf(t, s, b)
		}
		runFor(t, time.Minute, a, b)
		if leaf(t, s, a).Equal(before) || !leaf(t, s, a).Equal(leaf(t, s, b)) {
			t.Error("the new certificate is not served by both")
		}
		time.Sleep(123 * day) // the old authority has expired, and the next leaf renewal finds it
		runFor(t, time.Minute, a, b)
		leaf(t, s, a)
	})
}

// A replica reads the Secret, and another one renews it before the first writes.
func TestASlowReplicaDoesNotPutTheOldAuthorityBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put(webhookPath, webhookConfiguration)
		slow, quick := keeper(t, s), keeper(t, s)
		runFor(t, time.Minute, slow, quick)
		// Somebody empties the caBundle, so that the slow one has to write it.
		s.put(webhookPath, webhookConfiguration)
		entered := false
		s.before = func(request string) {
			if entered || !strings.HasPrefix(request, "PATCH ") {
				return
			}
			entered = true
			s.mu.Lock()
			delete(s.objects, secretPath) // the quick one makes a new authority
			s.mu.Unlock()
			runFor(t, 500*time.Millisecond, quick)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second-time.Millisecond)
		slow.Run(ctx)
		cancel()
		var secret corev1.Secret
		s.get(secretPath, &secret)
		if !entered || !bytes.Equal(bundles(t, s)[0], secret.Data["ca.crt"]) {
			t.Error("the caBundle is not that of the Secret")
		}
		runFor(t, time.Minute, slow, quick)
		leaf(t, s, slow)
		leaf(t, s, quick)
	})
}

func TestAKeeperMendsWhatOthersBreak(t *testing.T) {
	for name, harm := range map[string]func(s *apiServer){
		"the caBundle is emptied": func(s *apiServer) { s.put(webhookPath, webhookConfiguration) },
		"the Secret is deleted":   func(s *apiServer) { s.mu.Lock(); delete(s.objects, secretPath); s.mu.Unlock() },
		"the Secret has no key": func(s *apiServer) {
			s.put(secretPath, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"tls","namespace":"headway-system"}}`)
		},
		"the Secret holds rubbish": func(s *apiServer) {
			s.put(secretPath, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"tls","namespace":"headway-system"},"data":{"ca.crt":"eA==","ca.key":"eA==","tls.crt":"eA==","tls.key":"eA=="}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newAPIServer()
				s.put(webhookPath, webhookConfiguration)
				a, b := keeper(t, s), keeper(t, s)
				runFor(t, time.Minute, a, b)
				harm(s)
				runFor(t, 30*time.Second, a, b)
				if !leaf(t, s, a).Equal(leaf(t, s, b)) {
					t.Error("the replicas have different certificates")
				}
			})
		})
	}
}

func TestAKeeperIsNotReadyBeforeTheAPIServerTrustsIt(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		prepare    func(s *apiServer)
	}{
		{"no webhook configuration", "reading the webhook configuration headway-injector", func(*apiServer) {}},
		{"no webhook that leads to the Service", "no webhook of the configuration headway-injector leads to the Service headway-system/headway-injector", func(s *apiServer) {
			s.put(webhookPath, `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingWebhookConfiguration","metadata":{"name":"headway-injector"}}`)
		}},
		{"no API server", "connection refused", func(s *apiServer) { s.down = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newAPIServer()
				tt.prepare(s)
				k := keeper(t, s)
				runFor(t, time.Minute, k)
				if err := k.Ready(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if requests := len(s.asked); requests > 40 {
					t.Errorf("%d requests in a minute", requests)
				}
				s.down = false
				s.put(webhookPath, webhookConfiguration)
				runFor(t, 15*time.Second, k)
				leaf(t, s, k)
			})
		})
	}
}

// An outage of the API server is no reason to stop answering.
func TestAKeeperStaysReadyWithoutTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAPIServer()
		s.put(webhookPath, webhookConfiguration)
		k := keeper(t, s)
		runFor(t, time.Minute, k)
		s.mu.Lock()
		s.down = true
		s.mu.Unlock()
		runFor(t, time.Minute, k)
		if err := k.Ready(); err != nil {
			t.Error(err)
		}
		time.Sleep(91 * day)
		if err := k.Ready(); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("after the end of the certificate: %v", err)
		}
	})
}

// An older API server would drop the field that makes a sidecar of an init container.
func TestAClusterWithoutNativeSidecarsIsRefused(t *testing.T) {
	for _, tt := range []struct{ version, want string }{
		{`{"metadata":{},"major":"1","minor":"28+"}`, "is Kubernetes 1.28, and native sidecars came with 1.29"},
		{`{"metadata":{},"major":"1","minor":"29+"}`, ""},
		{`{"metadata":{},"major":"1","minor":"37"}`, ""},
		{`{"metadata":{},"major":"2","minor":"0"}`, ""},
		{`{"metadata":{}}`, "is no number"},
	} {
		s := newAPIServer()
		s.put("/version", tt.version)
		cluster, err := injector.NewCluster(s.config())
		if err != nil {
			t.Fatal(err)
		}
		err = cluster.CheckVersion(t.Context())
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.version, err)
		}
	}
}

func TestRenew(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	names := []string{"a.b.svc", "a.b"}
	first, changed, err := injector.Renew(injector.Identity{}, names, now)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	for _, tt := range []struct {
		name              string
		old               injector.Identity
		names             []string
		after             time.Duration
		leaf, authorities bool // whether they change
	}{
		{"at once", first, names, 0, false, false},
		{"shortly before two thirds of the certificate's life", first, names, 59 * day, false, false},
		{"past two thirds of the certificate's life", first, names, 61 * day, true, false},
		{"past two thirds of the authority's life", first, names, 244 * day, true, true},
		{"a clock that was turned back", first, names, -2 * time.Hour, true, true},
		{"another name", first, []string{"c.b.svc"}, 0, true, false},
		{"a key of another certificate", injector.Identity{first.Authorities, first.AuthorityKey, first.Certificate, first.AuthorityKey}, names, 0, true, false},
		{"an authority without its key", injector.Identity{first.Authorities, nil, first.Certificate, first.Key}, names, 0, true, true},
	} {
		got, changed, err := injector.Renew(tt.old, tt.names, now.Add(tt.after))
		if err != nil || changed != (tt.leaf || tt.authorities) {
			t.Errorf("%s: changed %v, %v", tt.name, changed, err)
		}
		if leaf := !bytes.Equal(got.Certificate, tt.old.Certificate); leaf != tt.leaf {
			t.Errorf("%s: another certificate: %v", tt.name, leaf)
		}
		if authorities := !bytes.Equal(got.Authorities, tt.old.Authorities); authorities != tt.authorities {
			t.Errorf("%s: other authorities: %v", tt.name, authorities)
		}
		if _, err := tls.X509KeyPair(got.Certificate, got.Key); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAFolderIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(id injector.Identity) {
		t.Helper()
		for name, text := range map[string][]byte{"tls.crt": id.Certificate, "tls.key": id.Key} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		f := injector.NewFolder(dir, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go f.Run(ctx)
		synctest.Wait()
		if err := f.Ready(); err == nil || !strings.Contains(err.Error(), "reading the certificate in "+dir) {
			t.Errorf("without files: %v", err)
		}
		served := func() []byte {
			c, err := f.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			return c.Leaf.Raw
		}
		one, _, _ := injector.Renew(injector.Identity{}, []string{"a.b.svc"}, time.Now())
		two, _, _ := injector.Renew(injector.Identity{}, []string{"a.b.svc"}, time.Now())
		write(one)
		time.Sleep(11 * time.Second)
		first := served()
		write(injector.Identity{Certificate: two.Certificate, Key: one.Key}) // half of a change
		time.Sleep(11 * time.Second)
		if !bytes.Equal(served(), first) || f.Ready() != nil {
			t.Error("half of a change took the certificate away")
		}
		write(two)
		time.Sleep(11 * time.Second)
		if bytes.Equal(served(), first) {
			t.Error("the new certificate is not served")
		}
	})
}
