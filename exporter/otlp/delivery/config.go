package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strings"
	"time"
)

// Signal is what a queue carries; it names its directory in the spool.
type Signal string

// The signals.
const (
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Protocol is how requests travel.
type Protocol string

// The protocols, by the names of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	GRPC         Protocol = "grpc"
	HTTPProtobuf Protocol = "http/protobuf"
)

// Config says what goes where, and how much of it may wait.
type Config struct {
	Signal   Signal
	Protocol Protocol

	// Endpoint is host:port with GRPC (or any target that gRPC resolves), and the whole
	// URL, path included, with HTTPProtobuf. Redirects are not followed: the headers
	// are meant for this endpoint.
	Endpoint string
	// Headers go with every request. Their values are never logged.
	Headers   map[string]string
	UserAgent string
	Gzip      bool
	// Timeout bounds one attempt; 10 s if zero.
	Timeout time.Duration

	// TLS is used with https and with GRPC; nil is the system's roots.
	TLS *tls.Config
	// Insecure leaves TLS out with GRPC. With HTTPProtobuf the URL's scheme decides.
	Insecure bool
	// Dial opens the connections; nil is the usual way, through the proxy that
	// HTTPS_PROXY names, if it does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// SpoolDir is where requests wait on disk, in a directory per signal; empty keeps
	// them in memory. One process at a time may use it.
	SpoolDir string
	// MaxBytes bounds what waits: payloads in memory, or the spool's files. Beyond it
	// the oldest are dropped, but for the request that is being sent: the files may be
	// larger by the segment that it is in when MaxBytes is less than some segments
	// (64 KiB to 4 MiB each). 16 MiB in memory and 256 MiB in files if zero.
	MaxBytes int64
	// Backoff is the wait between attempts when the collector does not name one.
	Backoff Backoff

	// Log hears of refusals, of a collector that is away and is back, and of trouble
	// with the disk, each kind once a minute at most; nil is silence.
	Log *slog.Logger
}

// Backoff is an exponential wait with jitter: First, doubled after each failure up to
// Max, and each of them by up to a half shorter or longer. 1 s and 30 s if zero.
type Backoff struct {
	First, Max time.Duration
}

const (
	defaultTimeout     = 10 * time.Second // OTEL_EXPORTER_OTLP_TIMEOUT
	defaultMemoryBytes = 16 << 20
	defaultSpoolBytes  = 256 << 20
)

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxBytes == 0 && c.SpoolDir == "" {
		c.MaxBytes = defaultMemoryBytes
	} else if c.MaxBytes == 0 {
		c.MaxBytes = defaultSpoolBytes
	}
	if c.Backoff.First == 0 {
		c.Backoff.First = time.Second
	}
	if c.Backoff.Max == 0 {
		c.Backoff.Max = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var wrong []error
	if c.Signal != Traces && c.Signal != Metrics {
		wrong = append(wrong, fmt.Errorf("signal %q is neither %s nor %s", string(c.Signal), Traces, Metrics))
	}
	if c.Timeout < 0 || c.MaxBytes < 0 || c.Backoff.First < 0 || c.Backoff.Max < c.Backoff.First {
		wrong = append(wrong, errors.New("timeout, bytes and backoff must not be negative, nor the backoff's end below its beginning"))
	}
	switch c.Protocol {
	case GRPC:
		if c.Endpoint == "" {
			wrong = append(wrong, errors.New("endpoint is empty"))
		}
	case HTTPProtobuf:
		u, err := url.Parse(c.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			wrong = append(wrong, errors.New("endpoint is no http or https URL"))
		}
	default:
		wrong = append(wrong, fmt.Errorf("protocol %q is neither %s nor %s", string(c.Protocol), GRPC, HTTPProtobuf))
	}
	for name, value := range c.Headers {
		if !validHeader(name, value) {
			wrong = append(wrong, fmt.Errorf("header %q cannot be sent", name))
		}
	}
	return errors.Join(wrong...)
}

// validHeader keeps out what gRPC or net/http would refuse with every request: names
// that are no token (RFC 9110, section 5.6.2) or that gRPC keeps for itself, and values
// beyond printable ASCII.
func validHeader(name, value string) bool {
	const token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	lower := strings.ToLower(name)
	if lower == "" || strings.Trim(lower, token) != "" || strings.HasPrefix(lower, "grpc-") {
		return false
	}
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(value) < math.MaxUint16
}
