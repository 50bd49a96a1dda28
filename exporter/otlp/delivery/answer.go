package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// client sends one request once.
type client interface {
	export(ctx context.Context, payload []byte) answer
	close()
}

func dial(cfg Config) (client, error) {
	if cfg.Protocol == GRPC {
		return dialGRPC(cfg)
	}
	return newHTTP(cfg), nil
}

// answer is the result of one attempt.
type answer struct {
	fate       fate
	status     string        // as the protocol names it
	failure    string        // the error of this side when the collector did not answer; otherwise empty
	retryAfter time.Duration // the wait that the collector asked for; 0 is none
	rejected   int64         // items of an accepted request that the collector refused
}

// fate says what the sender does with the request of an attempt.
type fate int

const (
	accepted fate = iota // the collector took it
	later                // send it again
	never                // do not send it again
)

// rejected reads the number of items that the collector refused of a request that it
// accepted (OTLP, "Partial Success"). A response that it cannot read counts as 0.
func (s Signal) rejected(response []byte) int64 {
	switch s {
	case Traces:
		r := ptraceotlp.NewExportResponse()
		if r.UnmarshalProto(response) == nil {
			return r.PartialSuccess().RejectedSpans()
		}
	case Metrics:
		r := pmetricotlp.NewExportResponse()
		if r.UnmarshalProto(response) == nil {
			return r.PartialSuccess().RejectedDataPoints()
		}
	}
	return 0
}

// reportEvery is the least time between two log lines about one kind of trouble.
const reportEvery = time.Minute

// maxKinds bounds the memory of reports, for a collector that makes statuses up.
const maxKinds = 100

// reports logs a kind of trouble once, and then once a minute at most.
type reports struct {
	log *slog.Logger

	mu     sync.Mutex
	silent map[string]time.Time // by message and kind: no log line before this time
}

func newReports(log *slog.Logger, signal Signal) *reports {
	return &reports{log: log.With("signal", string(signal)), silent: map[string]time.Time{}}
}

// warn logs the message, unless it logged the same message with the same kind within the
// last minute. The kind is a status, of which there are few.
func (r *reports) warn(message, kind string, args ...any) {
	now := time.Now()
	r.mu.Lock()
	quiet := now.Before(r.silent[message+kind])
	if !quiet {
		if len(r.silent) > maxKinds {
			clear(r.silent)
		}
		r.silent[message+kind] = now.Add(reportEvery)
	}
	r.mu.Unlock()
	if !quiet {
		r.log.Warn(message, append([]any{"status", kind}, args...)...)
	}
}
