package delivery

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"
)

// Signal is the kind of telemetry that a queue carries. It is also the name of the queue's
// directory in the spool.
type Signal string

// The signals.
const (
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Protocol is the protocol between a queue and the collector.
type Protocol string

// The protocols, by the names of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	GRPC         Protocol = "grpc"
	HTTPProtobuf Protocol = "http/protobuf"
)

// Config says where a queue sends its requests, how, and how much may wait.
type Config struct {
	Signal   Signal
	Protocol Protocol

	// Endpoint is host:port with GRPC (or any target that gRPC resolves), and the whole
	// URL, path included, with HTTPProtobuf. The queue sends a user and password in the
	// URL as Basic authentication unless Headers have an authorization; with GRPC they are
	// an error. The queue follows no redirect, because the headers are meant for this
	// endpoint alone. It logs no part of the endpoint.
	Endpoint string
	// Headers go with every request. The queue never logs their values.
	Headers   map[string]string
	UserAgent string
	Gzip      bool
	// Timeout bounds one attempt; 0 means 10 s.
	Timeout time.Duration

	// TLS configures https and GRPC; nil trusts the system's roots.
	TLS *tls.Config
	// Insecure leaves TLS out with GRPC. With HTTPProtobuf the scheme of the URL decides.
	Insecure bool
	// Dial opens the connections. When it is nil, the queue dials the endpoint, or the
	// proxy that HTTPS_PROXY names.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// SpoolDir is the directory in which requests wait, one directory a signal below it;
	// when it is empty they wait in memory. One process at a time may use it.
	SpoolDir string
	// MaxBytes bounds the requests that wait: their payloads in memory, or the files of the
	// spool. At the bound the queue drops the oldest requests, except the one that it is
	// sending. It drops files segment by segment; a segment has a sixteenth of MaxBytes (an
	// eighth when MaxBytes is below 1 MiB), and 4 MiB at most. The least bound of a spool
	// is LeastSpoolBytes. 0 means 16 MiB in memory and 256 MiB in files.
	MaxBytes int64
	// Backoff is the wait between attempts when the collector does not name one.
	Backoff Backoff

	// Log gets a line when the collector refuses a request, goes away or comes back, and
	// when the disk fails, each kind once a minute at most. nil discards them.
	Log *slog.Logger
}

// Backoff is an exponential wait with jitter. It starts at First and doubles after each
// failure, up to Max; the jitter makes every wait up to a half shorter or longer. 0 means
// 1 s for First and 30 s for Max.
type Backoff struct {
	First, Max time.Duration
}

const (
	defaultTimeout     = 10 * time.Second // OTEL_EXPORTER_OTLP_TIMEOUT
	defaultMemoryBytes = 16 << 20
	defaultSpoolBytes  = 256 << 20
)

// LeastSpoolBytes is the smallest MaxBytes of a spool.
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
