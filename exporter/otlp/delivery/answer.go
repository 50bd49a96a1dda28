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

// answer is what became of one attempt.
type answer struct {
	fate     fate
	word     string        // the status, in the protocol's own word
	why      string        // what kept the request from leaving, said by this side; empty if the collector answered
	after    time.Duration // the wait that the collector asked for; 0: none
	rejected int64         // items of an accepted request that the collector refused
}

type fate int

const (
	accepted fate = iota
	later         // may be sent again
	never         // must not be sent again
)

// rejected reads from an encoded response how many items the collector refused of a
// request that it accepted (OTLP, "Partial Success"). What cannot be read says nothing.
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

// reportEvery is how long one kind of trouble stays silent after it was logged.
const reportEvery = time.Minute

// maxKinds bounds what is remembered of a collector that answers with any number.
const maxKinds = 100

// reports logs a kind of trouble once, and then once a minute at most.
type reports struct {
	log *slog.Logger

	mu     sync.Mutex
	silent map[string]time.Time // until when, by kind
}

func newReports(log *slog.Logger, signal Signal) *reports {
	return &reports{log: log.With("signal", string(signal)), silent: map[string]time.Time{}}
}

// warn logs unless the same message was logged with the same kind within the minute.
// Kinds are few: status words.
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
