package metrics

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/trace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// spanOf returns a context from which the SDK takes the trace and span of an exemplar. The
// context of an exchange whose trace is not kept has none.
func spanOf(r *exchange.Record) context.Context {
	if !r.Sampling.Kept {
		return context.Background()
	}
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(r.Span.Trace), SpanID: trace.SpanID(r.Span.ID), TraceFlags: trace.FlagsSampled,
	}))
}

// reservoirs are those of the SDK, each made when its first exemplar comes. The SDK itself
// would make them with the series, where they are two thirds of its memory: 82 of the
// 127 kB that a model's series have beside an application. A counter, which gets no
// exemplars here, would have a slot for every processor.
func reservoirs(of sdk.Aggregation) exemplar.ReservoirProvider {
	provider := sdk.DefaultExemplarReservoirProviderSelector(of)
	return func(attributes attribute.Set) exemplar.Reservoir {
		return &reservoir{make: func() exemplar.Reservoir { return provider(attributes) }}
	}
}

// reservoir implements exemplar.Reservoir. The SDK locks it.
type reservoir struct {
	make func() exemplar.Reservoir
	made exemplar.Reservoir
}

func (r *reservoir) Offer(ctx context.Context, at time.Time, v exemplar.Value, dropped []attribute.KeyValue) {
	if r.made == nil {
		r.made = r.make()
	}
	if told, ok := ctx.Value(trueValue{}).(float64); ok {
		v = exemplar.NewValue(told)
	}
	r.made.Offer(ctx, at, v, dropped)
}

func (r *reservoir) Collect(into *[]exemplar.Exemplar) {
	*into = (*into)[:0]
	if r.made != nil {
		r.made.Collect(into)
	}
}
