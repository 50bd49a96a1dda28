package delivery

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
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
	// URL, path included, with HTTPProtobuf; a user and password in it are sent as Basic
	// authentication unless Headers have another, and with GRPC are an error. Redirects
	// are not followed: the headers are meant for this endpoint. The log has nothing of it.
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
	// the oldest are dropped, but for the request that is being sent. Files are dropped
	// by segments, of a sixteenth (of less than 1 MiB an eighth), 4 MiB at most.
	// A spool has to have LeastSpoolBytes. 16 MiB in memory and 256 MiB in files if zero.
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

// LeastSpoolBytes is the least MaxBytes of a spool.
const LeastSpoolBytes = 128 << 10

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
