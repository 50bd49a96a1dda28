package prometheus

import (
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/headway-sidecar/headway/exporter/series"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// mark holds the labels of an exchange's exemplar. Without a trace there is no exemplar.
type mark struct {
	trace, span string
	at          time.Time
}

// markOf names the trace of r where somebody can look it up: in headway's own backend if
// headway keeps it, or in the client's if the client samples it.
func markOf(r *exchange.Record) mark {
	switch {
	case r.Sampling.Kept:
		return mark{trace: r.Span.Trace.String(), span: r.Span.ID.String(), at: time.Now()}
	case r.Trace.Sampled:
		return mark{trace: r.Trace.TraceID, span: r.Trace.SpanID, at: time.Now()}
	}
	return mark{at: time.Now()}
}

// maxExemplars bounds the exemplars of a native histogram, as client_golang does.
const maxExemplars = 10

// exemplarOf is e as a message; nil is none.
func exemplarOf(e *series.Exemplar[mark]) *dto.Exemplar {
	if e == nil {
		return nil
	}
	labels := []*dto.LabelPair{{Name: new("trace_id"), Value: new(e.Mark.trace)}}
	if e.Mark.span != "" {
		labels = append(labels, &dto.LabelPair{Name: new("span_id"), Value: new(e.Mark.span)})
	}
	return &dto.Exemplar{Label: labels, Value: new(e.Value), Timestamp: timestamppb.New(e.Mark.at)}
}

func exemplarsOf(all []series.Exemplar[mark]) []*dto.Exemplar {
	out := make([]*dto.Exemplar, 0, len(all))
	for i := range all {
		out = append(out, exemplarOf(&all[i]))
	}
	return out
}
