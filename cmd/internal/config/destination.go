package config

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

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/proxy"
)

// Destination says where headway sends the OTLP requests of one signal, and how.
// Without an endpoint headway does not export the signal.
type Destination struct {
	Endpoint string // host:port with gRPC, the whole URL with HTTP; empty exports nothing
	GRPC     bool
	Insecure bool // gRPC without TLS
	Gzip     bool
	Headers  map[string]string
	Timeout  time.Duration // of one attempt
	TLS      *tls.Config   // nil is the system's roots

	variable string // the one with the endpoint
}

// variablesOf is the environment of one signal: its own variables, and the variables
// for both signals. The latter apply where the signal's own variable is empty.
type variablesOf struct {
	own, both signalVariables
	name      string // TRACES or METRICS
}

const otlpPrefix = "OTEL_EXPORTER_OTLP_"

// get returns the value of a variable, the signal's own or the one for both, and the
// name of that variable.
func (v *variablesOf) get(suffix string, of func(*signalVariables) string) (value, key string) {
	if value := of(&v.own); value != "" {
		return value, otlpPrefix + v.name + "_" + suffix
	}
	return of(&v.both), otlpPrefix + suffix
}

// newDestination reads the variables of a signal. Without an endpoint it reads no other
// variable.
func newDestination(v variablesOf, say verdicts) Destination {
	var s Destination
	endpoint, endpointKey := v.get("ENDPOINT", func(c *signalVariables) string { return c.Endpoint })
	if endpoint == "" {
		return s
	}
	s.variable = endpointKey
	const overHTTP, overGRPC = "http/protobuf", "grpc"
	protocol, key := v.get("PROTOCOL", func(c *signalVariables) string { return c.Protocol })
	s.GRPC = choice(protocol, say, key, overHTTP, overGRPC) == overGRPC
	insecure, key := v.get("INSECURE", func(c *signalVariables) string { return c.Insecure })
	s.Insecure = choice(insecure, say, key, "false", "true") == "true"
	unreachable := s.aim(endpoint, v.own.Endpoint != "", strings.ToLower(v.name))
	say.problem(endpointKey, unreachable)
	say.warn(endpointKey, s.otherPort(endpoint))
	compression, key := v.get("COMPRESSION", func(c *signalVariables) string { return c.Compression })
	s.Gzip = choice(compression, say, key, "none", "gzip") == "gzip"

	headers, headersKey := v.get("HEADERS", func(c *signalVariables) string { return c.Headers })
	pairs, err := keyValues(headers)
	say.problem(headersKey, err)
	s.Headers = map[string]string{}
	for _, h := range pairs {
		s.Headers[h.Key] = h.Value
	}
	timeout, key := v.get("TIMEOUT", func(c *signalVariables) string { return c.Timeout })
	s.Timeout, err = milliseconds(timeout, 10*time.Second)
	say.warn(key, err)
	s.readTLS(&v, say.problem)
	if unreachable == nil {
		say.problem(headersKey, s.Delivery(delivery.Traces).Check())
	}
	return s
}

// aim sets the endpoint. With gRPC its scheme says whether there is TLS; without a
// scheme, OTEL_EXPORTER_OTLP_INSECURE does. Over HTTP, aim appends the path of this
// signal to an endpoint for both signals. Its error quotes the endpoint without the parts
// that may be secret.
func (s *Destination) aim(endpoint string, own bool, signal string) error {
	if s.GRPC && !strings.Contains(endpoint, "://") {
		s.Endpoint = endpoint
		if strings.Contains(endpoint, "@") || CheckAddress(endpoint) != nil {
			return fmt.Errorf("%s is not host:port; for example localhost:4317", quoted(endpoint))
		}
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (s.GRPC && u.User != nil) || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%s is no URL of http or https; for example http://localhost:4318", quoted(endpoint))
	}
	if err := proxy.CheckHost(u.Hostname()); err != nil {
		return fmt.Errorf("%s: %w; for example http://localhost:4318", quoted(endpoint), err)
	}
	switch {
	case s.GRPC:
		s.Insecure = u.Scheme == "http"
		s.Endpoint = u.Host
		if u.Port() == "" {
			s.Endpoint += ":4317" // the port of OTLP over gRPC
		}
	case own:
		s.Endpoint = endpoint
	default:
		s.Endpoint = u.JoinPath("v1", signal).String()
	}
	return nil
}

// otherPort returns a warning if the endpoint has the port that collectors keep for the
// other protocol of OTLP (its specification: 4317 is gRPC's, 4318 is HTTP's).
func (s *Destination) otherPort(endpoint string) error {
	to, _ := s.upstream()
	switch {
	case s.GRPC && to.Port == 4318:
		return fmt.Errorf("%s has the port of OTLP over HTTP, and the protocol is grpc; write port 4317, or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", quoted(endpoint))
	case !s.GRPC && to.Port == 4317:
		return fmt.Errorf("%s has the port of OTLP over gRPC, and the protocol is http/protobuf; write port 4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc", quoted(endpoint))
	}
	return nil
}

// readTLS reads the certificates and the key from PEM files.
func (s *Destination) readTLS(v *variablesOf, check func(key string, err error)) {
	roots, rootsKey := v.get("CERTIFICATE", func(c *signalVariables) string { return c.Certificate })
	key, keyKey := v.get("CLIENT_KEY", func(c *signalVariables) string { return c.ClientKey })
	certificate, certificateKey := v.get("CLIENT_CERTIFICATE", func(c *signalVariables) string { return c.ClientCertificate })
	if roots == "" && key == "" && certificate == "" {
		return
	}
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != "" {
		pem, err := os.ReadFile(roots)
		check(rootsKey, err)
		s.TLS.RootCAs = x509.NewCertPool()
		if err == nil && !s.TLS.RootCAs.AppendCertsFromPEM(pem) {
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
		s.TLS.Certificates = []tls.Certificate{pair}
	}
}

// keyValues reads a list such as a=1,b=2 with percent-encoded values (W3C Baggage). Its
// error does not quote a value, because it may be a secret.
func keyValues(list string) ([]Attribute, error) {
	var out []Attribute
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		key, value, ok := strings.Cut(entry, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil || !utf8.ValidString(key+value) {
			return nil, errors.New("is no list of key=value with percent-encoded values; for example team=search,note=two%20words")
		}
		out = append(out, Attribute{key, value})
	}
	return out, nil
}

// metricsShare is the part of the spool for metrics: one eighth. Traces need more room,
// because each is about another exchange. A request of metrics repeats most of the one
// before it.
const metricsShare = 8

// Delivery returns the configuration of a queue in memory for a signal. The caller adds
// a spool and a logger.
func (s *Destination) Delivery(signal delivery.Signal) delivery.Config {
	d := delivery.Config{
		Signal: signal, Protocol: delivery.HTTPProtobuf, Endpoint: s.Endpoint, Headers: s.Headers,
		UserAgent: "headway/" + build.Info().Version, Gzip: s.Gzip, Timeout: s.Timeout, TLS: s.TLS, Insecure: s.Insecure,
	}
	if s.GRPC {
		d.Protocol = delivery.GRPC
	}
	return d
}

// SpoolShare returns the part of the spool that a signal may fill, in bytes.
func (c *Config) SpoolShare(signal delivery.Signal) int64 {
	ofMetrics := int64(c.SpoolMaxBytes) / metricsShare
	if signal == delivery.Metrics {
		return ofMetrics
	}
	return int64(c.SpoolMaxBytes) - ofMetrics
}
