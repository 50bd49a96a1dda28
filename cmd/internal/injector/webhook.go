package injector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/headway-sidecar/headway/cmd/internal/build"
)

const (
	// drainDelay is how long the webhook serves on after SIGTERM: API servers
	// learn that late.
	drainDelay = 5 * time.Second
	// shutdown bounds the time for answers that are under way then.
	shutdown = 10 * time.Second
)

// certificate is where the webhook has its certificate from: a Keeper, or a Folder.
type certificate interface {
	Run(ctx context.Context)
	Ready() error
	Expiry() time.Time
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Webhook answers the reviews of new pods. Its metrics and its health are on another port.
type Webhook struct {
	config      *Config
	cluster     *Cluster
	own         string // namespace
	settings    *Settings
	namespaces  *namespaces
	recorder    *recorder
	certificate certificate
	metrics     *metrics
	log         *slog.Logger
	stopping    context.Context
}

// New returns the webhook of c, whose API server is api.
func New(c *Config, api *rest.Config, log *slog.Logger) (*Webhook, error) {
	cluster, err := NewCluster(api)
	if err != nil {
		return nil, err
	}
	w := &Webhook{config: c, cluster: cluster, own: c.Namespace, settings: &c.Settings, namespaces: &namespaces{cluster: cluster, log: log}, recorder: newRecorder(cluster, log), log: log}
	if c.CertDir != "" {
		w.certificate = NewFolder(c.CertDir, log)
	} else {
		w.certificate = NewKeeper(cluster, c, log)
	}
	w.metrics = newMetrics(w.certificate.Expiry)
	return w, nil
}

// Run serves until ctx ends. It then is not ready at once, serves on for some seconds, and
// lets the answers end that are under way.
func (w *Webhook) Run(ctx context.Context) error {
	w.stopping = ctx
	if err := w.cluster.CheckVersion(ctx); err != nil {
		return err
	}
	reviews, err := net.Listen("tcp", w.config.Listen)
	if err != nil {
		return fmt.Errorf("%sLISTEN: %w", Prefix, err)
	}
	admin, err := net.Listen("tcp", w.config.AdminListen)
	if err != nil {
		return errors.Join(fmt.Errorf("%sADMIN_LISTEN: %w", Prefix, err), reviews.Close())
	}
	w.log.Info("starting", "version", build.Info().Version, "listen", reviews.Addr().String(), "admin", admin.Addr().String(), "image", w.settings.Image)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { w.certificate.Run(background) })
	all.Go(func() { w.Record(background) })
	failed := make(chan error, 2)
	reviewing := server(w.routes(), w.log)
	reviewing.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: w.certificate.GetCertificate}
	administering := server(w.admin(), w.log)
	all.Go(func() { failed <- reviewing.ServeTLS(reviews, "", "") })
	all.Go(func() { failed <- administering.Serve(admin) })
	select {
	case <-ctx.Done():
		w.log.Info("stopping")
		select {
		case <-time.After(drainDelay):
		case err = <-failed:
		}
	case err = <-failed:
	}
	limit, cancel := context.WithTimeout(background, shutdown)
	defer cancel()
	err = errors.Join(err, reviewing.Shutdown(limit), administering.Shutdown(limit))
	stop()
	all.Wait()
	return err
}

// Record makes the Events of the answers until ctx ends. Run does so by itself.
func (w *Webhook) Record(ctx context.Context) { w.recorder.run(ctx) }

// server returns a server with limits for every part of a request.
func server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func (w *Webhook) routes() http.Handler {
	m := http.NewServeMux()
	m.Handle("POST /mutate", w)
	return m
}

func (w *Webhook) admin() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", w.metrics.handler())
	m.HandleFunc("GET /healthz/live", func(http.ResponseWriter, *http.Request) {})
	m.HandleFunc("GET /healthz/ready", func(rw http.ResponseWriter, _ *http.Request) {
		switch err := w.certificate.Ready(); {
		case w.stopping.Err() != nil:
			http.Error(rw, "stopping", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return m
}
