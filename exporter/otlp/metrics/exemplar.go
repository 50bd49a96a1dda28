package metrics

import (
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter/series"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// mark names the exchange of an exemplar.
type mark struct {
	at    time.Time
	kept  bool // its trace; without one there is no exemplar
	trace exchange.TraceID
	span  exchange.SpanID
}

func markOf(r *exchange.Record) mark {
	return mark{at: time.Now(), kept: r.Sampling.Kept, trace: r.Span.Trace, span: r.Span.ID}
}

// maxExemplars bounds the exemplars of an exponential histogram (OpenTelemetry, Metrics
// SDK: Exemplar defaults).
const maxExemplars = 20

func exemplarOf(e *series.Exemplar[mark]) metricdata.Exemplar[float64] {
	trace, span := e.Mark.trace, e.Mark.span
	return metricdata.Exemplar[float64]{Time: e.Mark.at, Value: e.Value, TraceID: trace[:], SpanID: span[:]}
}
