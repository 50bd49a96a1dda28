package prometheus

import (
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

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

type exemplar struct {
	value float64
	mark  mark
	key   int // native bucket
}

// exemplars holds the newest exemplar of each classic bucket, and the newest few of
// different native buckets. The zero value is empty.
type exemplars struct {
	classic []exemplar // by bucket, the one above the last bound included
	native  []exemplar // oldest first
}

// put notes e for a classic bucket, among so many bounds, and for a native one.
func (x *exemplars) put(e exemplar, bucket, key, bounds int) {
	if x.classic == nil {
		x.classic = make([]exemplar, bounds+1)
		x.native = make([]exemplar, 0, maxExemplars)
	}
	x.classic[bucket] = e
	e.key = key
	old := slices.IndexFunc(x.native, func(o exemplar) bool { return o.key == key })
	if old < 0 && len(x.native) == maxExemplars {
		old = 0
	}
	if old >= 0 {
		x.native = slices.Delete(x.native, old, old+1)
	}
	x.native = append(x.native, e)
}

func (x *exemplars) bucket(i int) *dto.Exemplar {
	if x.classic == nil || x.classic[i].mark.trace == "" {
		return nil
	}
	return x.classic[i].proto()
}

func (x *exemplars) all() []*dto.Exemplar {
	out := make([]*dto.Exemplar, 0, len(x.native))
	for i := range x.native {
		out = append(out, x.native[i].proto())
	}
	return out
}

func (e *exemplar) proto() *dto.Exemplar {
	labels := []*dto.LabelPair{{Name: new("trace_id"), Value: new(e.mark.trace)}}
	if e.mark.span != "" {
		labels = append(labels, &dto.LabelPair{Name: new("span_id"), Value: new(e.mark.span)})
	}
	return &dto.Exemplar{Label: labels, Value: new(e.value), Timestamp: timestamppb.New(e.mark.at)}
}
