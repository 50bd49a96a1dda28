package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy"
)

const (
	// adminPoll is the time between two requests to a sidecar.
	adminPoll = 100 * time.Millisecond
	// adminTimeout bounds one request.
	adminTimeout = 5 * time.Second
	// maxAnswer bounds the JSON of an answer.
	maxAnswer = 16 << 20
)

// adminOptions are the flags that say where a sidecar's admin port is.
type adminOptions struct {
	flag     string // that has the url
	url      string
	ca       string // file of certificates to trust
	insecure bool
}

func adminFlags(f *flag.FlagSet) *adminOptions {
	return adminFlagsWith(f, "admin", "`URL` of the sidecar's admin port; without it, "+config.Prefix+"ADMIN_LISTEN says where it is")
}

// adminFlagsWith are adminFlags where another flag has the URL.
func adminFlagsWith(f *flag.FlagSet, name, usage string) *adminOptions {
	o := adminOptions{flag: name}
	f.StringVar(&o.url, name, "", usage)
	f.StringVar(&o.ca, "ca", "", "`file` of certificates to trust, for an admin port with TLS")
	f.BoolVar(&o.insecure, "insecure", false, "trust any certificate")
	return &o
}

// adminClient sends requests to the admin port of a sidecar.
type adminClient struct {
	base string // URL without a path
	http *http.Client
}

// client returns a client for the sidecar that the options, or else the
// environment, describe.
func (o *adminOptions) client(getenv func(string) string) (*adminClient, error) {
	base := o.url
	if base == "" {
		var err error
		if base, err = adminURL(getenv(config.Prefix+"ADMIN_LISTEN"), getenv(config.Prefix+"ADMIN_WEB_CONFIG")); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("--%s: %q is no http or https URL; for example http://127.0.0.1:8481", o.flag, proxy.Shown(base))
	}
	trust := &tls.Config{InsecureSkipVerify: o.insecure}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca: no certificate in %s", o.ca)
		}
	}
	// The client uses no proxy from the environment, because the sidecar is on this
	// host. It keeps no connections, because a sidecar that stops would wait for them.
	transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
	return &adminClient{
		base: strings.TrimRight(base, "/"),
		http: &http.Client{Transport: transport, Timeout: adminTimeout},
	}, nil
}

// adminURL is the URL of the admin port as processes beside the sidecar reach it.
// listen and webConfig are the sidecar's ADMIN_LISTEN (empty is the default) and
// ADMIN_WEB_CONFIG.
func adminURL(listen, webConfig string) (string, error) {
	if listen == "" {
		all := config.Variables()
		listen = all[slices.IndexFunc(all, func(v config.Variable) bool { return v.Name == config.Prefix+"ADMIN_LISTEN" })].Default
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("%sADMIN_LISTEN: %q is not host:port", config.Prefix, listen)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = map[bool]string{true: "::1", false: "127.0.0.1"}[ip != nil && ip.To4() == nil]
	}
	scheme := "http"
	if webConfig != "" {
		text, err := os.ReadFile(webConfig)
		if err != nil {
			return "", fmt.Errorf("%sADMIN_WEB_CONFIG: %w", config.Prefix, err)
		}
		var c web.Config
		if err := yaml.Unmarshal(text, &c); err != nil {
			return "", fmt.Errorf("%sADMIN_WEB_CONFIG: reading %s: %w", config.Prefix, webConfig, err)
		}
		if c.TLSConfig.IsEnabled() {
			scheme = "https"
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}

// ask makes one request. If the status is not want, the error is an answerError.
func (a *adminClient) ask(ctx context.Context, method, path string, want int) error {
	return a.request(ctx, method, path, want, nil)
}

// request is ask, and decodes the JSON of the answer into into, unless that is nil.
func (a *adminClient) request(ctx context.Context, method, path string, want int, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 200)) // for the error alone
		return &answerError{what: method + " " + proxy.Shown(a.base+path), status: response.Status, said: strings.TrimSpace(string(said))}
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", method, proxy.Shown(a.base+path), err)
	}
	return nil
}

// answerError is an answer with another status than the client asked for.
type answerError struct{ what, status, said string }

func (e *answerError) Error() string { return fmt.Sprintf("%s: %s: %s", e.what, e.status, e.said) }

// until requests path again and again, until settled returns true for the result of a
// request. If ctx ends first, until returns the error of the last request.
func (a *adminClient) until(ctx context.Context, path string, settled func(error) bool) error {
	var last error
	for {
		err := a.ask(ctx, http.MethodGet, path, http.StatusOK)
		if settled(err) {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return cmp.Or(last, ctx.Err())
		case <-time.After(adminPoll):
		}
	}
}

// stop asks the sidecar to stop.
func (a *adminClient) stop(ctx context.Context) error {
	err := a.ask(ctx, http.MethodPost, "/stop", http.StatusAccepted)
	var answer *answerError
	if errors.As(err, &answer) && strings.HasPrefix(answer.status, "404") {
		return fmt.Errorf("%w; the sidecar takes this request over loopback only", err)
	}
	return err
}
