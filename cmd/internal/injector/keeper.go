package injector

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// every is the time between two looks at the Secret and the webhook configuration.
	every = 10 * time.Second
	// settle is how long API servers may take to learn a new caBundle. A certificate of a new
	// authority waits for so long, while the one before serves on.
	settle = 10 * time.Second
	// retry is the first pause after a failure. It doubles, up to every.
	retry = time.Second
)

// The keys of the Secret.
const (
	authoritiesKey  = "ca.crt"
	authorityKeyKey = "ca.key"
	certificateKey  = corev1.TLSCertKey
	privateKey      = corev1.TLSPrivateKeyKey
)

// served is the certificate that a webhook answers with. It is safe for concurrent use.
type served struct {
	mu      sync.Mutex
	current *tls.Certificate
	why     error // of not being ready
}

// GetCertificate is for tls.Config.
func (s *served) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil, errors.New("the injector has no certificate yet")
	}
	return s.current, nil
}

// Ready returns nil if the API server can trust the webhook, as far as the injector knows.
func (s *served) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.current == nil && s.why != nil:
		return s.why
	case s.current == nil:
		return errors.New("the injector has no certificate yet")
	case time.Now().After(s.current.Leaf.NotAfter):
		return errors.Join(errors.New("the certificate has expired"), s.why)
	}
	return nil
}

// Expiry returns the end of the certificate's life, the zero time without one.
func (s *served) Expiry() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return time.Time{}
	}
	return s.current.Leaf.NotAfter
}

func (s *served) set(current *tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.why = current, nil
}

// failed notes the reason of a failure. It says whether the reason is another one than
// before.
func (s *served) failed(why error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.why == nil || s.why.Error() != why.Error()
	s.why = why
	return news
}

// Keeper makes the certificate of the webhook, shares it with the other replicas by a
// Secret, and keeps the authority in the webhook configuration. Any replica may make a new
// one at any time: the API server accepts the first, and the others take it over.
type Keeper struct {
	served
	cluster         *Cluster
	namespace, name string // of the Service
	secret, webhook string
	log             *slog.Logger

	bundle  []byte    // that the webhook configuration has
	inPlace time.Time // since then, as far as this replica knows
}

// NewKeeper returns a Keeper of the certificate for the Service of c.
func NewKeeper(cluster *Cluster, c *Config, log *slog.Logger) *Keeper {
	return &Keeper{cluster: cluster, namespace: c.Namespace, name: c.Name, secret: c.Secret, webhook: c.Webhook, log: log}
}

// Run keeps the certificate until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	pause := retry
	for {
		err := k.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			pause = retry
		case k.failed(err):
			k.log.Warn("the webhook's certificate", "problem", err.Error())
		}
		wait := every
		if err != nil {
			wait, pause = pause, min(2*pause, every)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// look brings Secret, webhook configuration and served certificate into line, in this
// order: the API server has to trust a certificate before a replica answers with it.
//
// It reads the webhook configuration first, and changes that version of it only. So a
// replica that read the Secret before another one renewed it cannot put the old
// authorities back.
func (k *Keeper) look(ctx context.Context) error {
	webhook, err := k.cluster.webhook(ctx, k.webhook)
	if err != nil {
		return fmt.Errorf("reading the webhook configuration %s: %w", k.webhook, err)
	}
	id, err := k.identity(ctx)
	if err != nil {
		return err
	}
	if err := k.keepBundle(ctx, webhook, id.Authorities); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(id.Certificate, id.Key)
	if err != nil {
		return fmt.Errorf("reading the certificate in the Secret %s: %w", k.secret, err)
	}
	k.serve(&pair, id.Authorities)
	return nil
}

// identity reads the Secret, and renews what is in it when it is time.
func (k *Keeper) identity(ctx context.Context) (Identity, error) {
	secret, err := k.cluster.secret(ctx, k.namespace, k.secret)
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return Identity{}, fmt.Errorf("reading the Secret %s/%s: %w", k.namespace, k.secret, err)
	}
	old := Identity{secret.Data[authoritiesKey], secret.Data[authorityKeyKey], secret.Data[certificateKey], secret.Data[privateKey]}
	id, changed, err := Renew(old, k.names(), time.Now())
	if err != nil || !changed {
		return id, err
	}
	data := map[string][]byte{authoritiesKey: id.Authorities, authorityKeyKey: id.AuthorityKey, certificateKey: id.Certificate, privateKey: id.Key}
	if missing {
		labels := map[string]string{"app.kubernetes.io/name": "headway-injector"}
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: k.secret, Labels: labels}, Type: corev1.SecretTypeOpaque, Data: data}
		err = k.cluster.createSecret(ctx, secret)
	} else {
		secret.Data = data
		err = k.cluster.updateSecret(ctx, secret)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("writing the Secret %s/%s: %w", k.namespace, k.secret, err)
	}
	k.log.Info("made a certificate", "secret", k.namespace+"/"+k.secret)
	return id, nil
}

// names are the names by which the API server calls the Service.
func (k *Keeper) names() []string {
	name := k.name + "." + k.namespace
	return []string{name + ".svc", name + ".svc.cluster.local", name}
}

// keepBundle puts the authorities into every webhook of the configuration that leads to the
// Service.
func (k *Keeper) keepBundle(ctx context.Context, c *admissionregistrationv1.MutatingWebhookConfiguration, authorities []byte) error {
	patch := []Operation{{"test", "/metadata/resourceVersion", c.ResourceVersion}}
	found := false
	for i := range c.Webhooks {
		client := &c.Webhooks[i].ClientConfig
		if s := client.Service; s == nil || s.Namespace != k.namespace || s.Name != k.name {
			continue
		}
		found = true
		if !bytes.Equal(client.CABundle, authorities) {
			patch = append(patch, Operation{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), authorities})
		}
	}
	if !found {
		return fmt.Errorf("no webhook of the configuration %s leads to the Service %s/%s", k.webhook, k.namespace, k.name)
	}
	if len(patch) > 1 {
		if err := k.cluster.patchWebhook(ctx, k.webhook, patch); err != nil {
			return fmt.Errorf("writing the caBundle of the webhook configuration %s: %w", k.webhook, err)
		}
		k.log.Info("wrote the caBundle", "webhook", k.webhook)
	}
	if len(patch) > 1 || !bytes.Equal(k.bundle, authorities) {
		k.bundle, k.inPlace = authorities, time.Now()
	}
	return nil
}

// serve lets pair take over, as soon as API servers can have learned its authority. If they
// do not trust the certificate before it any more, it takes over at once.
func (k *Keeper) serve(pair *tls.Certificate, authorities []byte) {
	k.mu.Lock()
	current := k.current
	k.mu.Unlock()
	if current != nil && trusted(current, authorities) && time.Since(k.inPlace) < settle {
		return
	}
	k.set(pair)
}

func trusted(c *tls.Certificate, authorities []byte) bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: time.Now()})
	return err == nil
}
