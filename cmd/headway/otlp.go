package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// otlpSettings is where and how the requests of one signal go.
type otlpSettings struct {
	endpoint string // host:port with gRPC, the whole URL otherwise; empty exports nothing
	grpc     bool
	insecure bool // gRPC without TLS
	gzip     bool
	headers  map[string]string
	timeout  time.Duration // of one attempt
	tls      *tls.Config   // nil is the system's roots
}

// otlpVariables is what the environment says of one signal: variables of its own,
// and those for both where it has none.
type otlpVariables struct {
	own, both otlpConfig
	name      string // TRACES or METRICS
}

const otlpPrefix = "OTEL_EXPORTER_OTLP_"

// get returns a value, and the name of the variable that it came from.
func (v *otlpVariables) get(suffix string, of func(*otlpConfig) string) (value, key string) {
	if value := of(&v.own); value != "" {
		return value, otlpPrefix + v.name + "_" + suffix
	}
	return of(&v.both), otlpPrefix + suffix
}

// newOTLPSettings settles the variables. Without an endpoint there is nothing to
// settle.
func newOTLPSettings(v otlpVariables, say verdicts) otlpSettings {
	var s otlpSettings
	endpoint, endpointKey := v.get("ENDPOINT", func(c *otlpConfig) string { return c.Endpoint })
	if endpoint == "" {
		return s
	}
	const overHTTP, overGRPC = "http/protobuf", "grpc"
	protocol, key := v.get("PROTOCOL", func(c *otlpConfig) string { return c.Protocol })
	s.grpc = choice(protocol, say, key, overHTTP, overGRPC) == overGRPC
	insecure, key := v.get("INSECURE", func(c *otlpConfig) string { return c.Insecure })
	s.insecure = choice(insecure, say, key, "false", "true") == "true"
	unreachable := s.aim(endpoint, v.own.Endpoint != "", strings.ToLower(v.name))
	say.problem(endpointKey, unreachable)
	compression, key := v.get("COMPRESSION", func(c *otlpConfig) string { return c.Compression })
	s.gzip = choice(compression, say, key, "none", "gzip") == "gzip"

	headers, headersKey := v.get("HEADERS", func(c *otlpConfig) string { return c.Headers })
	pairs, err := keyValues(headers)
	say.problem(headersKey, err)
	s.headers = map[string]string{}
	for _, h := range pairs {
		s.headers[h.key] = h.value
	}
	timeout, key := v.get("TIMEOUT", func(c *otlpConfig) string { return c.Timeout })
	s.timeout, err = milliseconds(timeout, 10*time.Second)
	say.warn(key, err)
	s.readTLS(&v, say.problem)
	if unreachable == nil {
		say.problem(headersKey, s.delivery(delivery.Traces).Check())
	}
	return s
}

// aim settles where requests go. With gRPC the scheme says whether there is TLS, and
// without a scheme that is what the variable for it says. Over HTTP an endpoint for
// both signals is completed by the path of one. An error does not quote the endpoint,
// in which a password may be.
func (s *otlpSettings) aim(endpoint string, own bool, signal string) error {
	if s.grpc && !strings.Contains(endpoint, "://") {
		s.endpoint = endpoint
		if strings.Contains(endpoint, "@") || checkAddress(endpoint) != nil {
			return errors.New("is not host:port")
		}
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (s.grpc && u.User != nil) || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("is no URL of http or https")
	}
	switch {
	case s.grpc:
		s.insecure = u.Scheme == "http"
		s.endpoint = u.Host
		if u.Port() == "" {
			s.endpoint += ":4317" // the port of OTLP over gRPC
		}
	case own:
		s.endpoint = endpoint
	default:
		s.endpoint = u.JoinPath("v1", signal).String()
	}
	return nil
}

// readTLS reads the certificates, which are files of PEM.
func (s *otlpSettings) readTLS(v *otlpVariables, check func(key string, err error)) {
	roots, rootsKey := v.get("CERTIFICATE", func(c *otlpConfig) string { return c.Certificate })
	key, keyKey := v.get("CLIENT_KEY", func(c *otlpConfig) string { return c.ClientKey })
	certificate, certificateKey := v.get("CLIENT_CERTIFICATE", func(c *otlpConfig) string { return c.ClientCertificate })
	if roots == "" && key == "" && certificate == "" {
		return
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != "" {
		pem, err := os.ReadFile(roots)
		check(rootsKey, err)
		s.tls.RootCAs = x509.NewCertPool()
		if err == nil && !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			check(rootsKey, fmt.Errorf("%q holds no certificate", roots))
		}
	}
	switch {
	case key == "" && certificate == "":
	case key == "":
		check(keyKey, fmt.Errorf("is not set, but %s is", certificateKey))
	case certificate == "":
		check(certificateKey, fmt.Errorf("is not set, but %s is", keyKey))
	default:
		pair, err := tls.LoadX509KeyPair(certificate, key)
		check(certificateKey, err)
		s.tls.Certificates = []tls.Certificate{pair}
	}
}

// keyValues reads a list such as a=1,b=2, the values of which are percent-encoded
// (W3C Baggage). An error quotes no value, which may be a secret.
func keyValues(list string) ([]keyValue, error) {
	var out []keyValue
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		key, value, ok := strings.Cut(entry, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil || !utf8.ValidString(key+value) {
			return nil, errors.New("is no list of key=value with percent-encoded values")
		}
		out = append(out, keyValue{key, value})
	}
	return out, nil
}

// metricsShare is the part of the spool that metrics have: an eighth. Traces are many
// and each tells of another exchange; a newer request of metrics tells most of what an
// older one did.
const metricsShare = 8

// delivery is how requests of a signal are sent.
func (s *otlpSettings) delivery(signal delivery.Signal) delivery.Config {
	d := delivery.Config{
		Signal: signal, Protocol: delivery.HTTPProtobuf, Endpoint: s.endpoint, Headers: s.headers,
		UserAgent: "headway/" + build().Version, Gzip: s.gzip, Timeout: s.timeout, TLS: s.tls, Insecure: s.insecure,
	}
	if s.grpc {
		d.Protocol = delivery.GRPC
	}
	return d
}

// spoolShare is what a signal may take of the spool.
func (c *config) spoolShare(signal delivery.Signal) int64 {
	ofMetrics := int64(c.SpoolMaxBytes) / metricsShare
	if signal == delivery.Metrics {
		return ofMetrics
	}
	return int64(c.SpoolMaxBytes) - ofMetrics
}
