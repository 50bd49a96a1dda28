package metrics

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// number is a type that the SDK's instruments count in.
type number interface{ int64 | float64 }

// transform turns the SDK's data model into OTLP's. It leaves out sums that did not change
// since the request before, and metrics and scopes without any point.
func transform(scopes []metricdata.ScopeMetrics, of *resource.Resource) pmetric.Metrics {
	out := pmetric.NewMetrics()
	rm := out.ResourceMetrics().AppendEmpty()
	rm.SetSchemaUrl(of.SchemaURL())
	appendAll(rm.Resource().Attributes(), of.Iter())
	var sm pmetric.ScopeMetrics
	for i, scope := range scopes {
		if i == 0 || scope.Scope != scopes[i-1].Scope {
			sm = rm.ScopeMetrics().AppendEmpty()
			sm.SetSchemaUrl(scope.Scope.SchemaURL)
			sm.Scope().SetName(scope.Scope.Name)
			sm.Scope().SetVersion(scope.Scope.Version)
			appendAll(sm.Scope().Attributes(), scope.Scope.Attributes.Iter())
		}
		for _, m := range scope.Metrics {
			to := sm.Metrics().AppendEmpty()
			to.SetName(m.Name)
			to.SetDescription(m.Description)
			to.SetUnit(m.Unit)
			aggregation(m.Data, to)
		}
	}
	for _, sm := range rm.ScopeMetrics().All() {
		sm.Metrics().RemoveIf(isEmpty)
	}
	rm.ScopeMetrics().RemoveIf(func(s pmetric.ScopeMetrics) bool { return s.Metrics().Len() == 0 })
	return out
}

func isEmpty(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len() == 0
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len() == 0
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len() == 0
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len() == 0
	}
	return true
}

// aggregation covers the kinds of instruments that this package makes. Its histograms
// hold floats.
func aggregation(from metricdata.Aggregation, to pmetric.Metric) {
	switch data := from.(type) {
	case metricdata.Gauge[int64]:
		points(data.DataPoints, to.SetEmptyGauge().DataPoints())
	case metricdata.Gauge[float64]:
		points(data.DataPoints, to.SetEmptyGauge().DataPoints())
	case metricdata.Sum[int64]:
		sums(data, to.SetEmptySum())
	case metricdata.Sum[float64]:
		sums(data, to.SetEmptySum())
	case metricdata.Histogram[float64]:
		explicits(data, to.SetEmptyHistogram())
	case metricdata.ExponentialHistogram[float64]:
		exponentials(data, to.SetEmptyExponentialHistogram())
	}
}

func sums[N number](from metricdata.Sum[N], to pmetric.Sum) {
	to.SetAggregationTemporality(temporality(from.Temporality))
	to.SetIsMonotonic(from.IsMonotonic)
	points(from.DataPoints, to.DataPoints())
	if from.Temporality == metricdata.DeltaTemporality {
		to.DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return p.IntValue() == 0 && p.DoubleValue() == 0 })
	}
}

func points[N number](from []metricdata.DataPoint[N], to pmetric.NumberDataPointSlice) {
	to.EnsureCapacity(len(from))
	for i := range from {
		p, point := &from[i], to.AppendEmpty()
		appendAll(point.Attributes(), p.Attributes.Iter())
		point.SetStartTimestamp(timestamp(p.StartTime))
		point.SetTimestamp(timestamp(p.Time))
		switch v := any(p.Value).(type) {
		case int64:
			point.SetIntValue(v)
		case float64:
			point.SetDoubleValue(v)
		}
		exemplars(p.Exemplars, point.Exemplars())
	}
}

func explicits(from metricdata.Histogram[float64], to pmetric.Histogram) {
	to.SetAggregationTemporality(temporality(from.Temporality))
	to.DataPoints().EnsureCapacity(len(from.DataPoints))
	for i := range from.DataPoints {
		p, point := &from.DataPoints[i], to.DataPoints().AppendEmpty()
		distribution{p.Attributes, p.StartTime, p.Time, p.Count, p.Sum, p.Min, p.Max, p.Exemplars}.fill(point)
		point.ExplicitBounds().FromRaw(p.Bounds)
		point.BucketCounts().FromRaw(p.BucketCounts)
	}
}

func exponentials(from metricdata.ExponentialHistogram[float64], to pmetric.ExponentialHistogram) {
	to.SetAggregationTemporality(temporality(from.Temporality))
	to.DataPoints().EnsureCapacity(len(from.DataPoints))
	for i := range from.DataPoints {
		p, point := &from.DataPoints[i], to.DataPoints().AppendEmpty()
		distribution{p.Attributes, p.StartTime, p.Time, p.Count, p.Sum, p.Min, p.Max, p.Exemplars}.fill(point)
		point.SetScale(p.Scale)
		point.SetZeroCount(p.ZeroCount)
		point.SetZeroThreshold(p.ZeroThreshold)
		buckets(p.PositiveBucket, point.Positive())
		buckets(p.NegativeBucket, point.Negative())
	}
}

// distribution holds the fields that both kinds of histograms have.
type distribution struct {
	attributes  attribute.Set
	start, time time.Time
	count       uint64
	sum         float64
	min, max    metricdata.Extrema[float64]
	exemplars   []metricdata.Exemplar[float64]
}

// distributionPoint is a pmetric.HistogramDataPoint or an ExponentialHistogramDataPoint.
type distributionPoint interface {
	Attributes() pcommon.Map
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	SetCount(uint64)
	SetSum(float64)
	SetMin(float64)
	SetMax(float64)
	Exemplars() pmetric.ExemplarSlice
}

func (d distribution) fill(point distributionPoint) {
	appendAll(point.Attributes(), d.attributes.Iter())
	point.SetStartTimestamp(timestamp(d.start))
	point.SetTimestamp(timestamp(d.time))
	point.SetCount(d.count)
	point.SetSum(d.sum)
	if v, ok := d.min.Value(); ok {
		point.SetMin(v)
	}
	if v, ok := d.max.Value(); ok {
		point.SetMax(v)
	}
	exemplars(d.exemplars, point.Exemplars())
}

func buckets(from metricdata.ExponentialBucket, to pmetric.ExponentialHistogramDataPointBuckets) {
	to.SetOffset(from.Offset)
	to.BucketCounts().FromRaw(from.Counts)
}

func exemplars[N number](from []metricdata.Exemplar[N], to pmetric.ExemplarSlice) {
	for i := range from {
		e, exemplar := &from[i], to.AppendEmpty()
		exemplar.SetTimestamp(timestamp(e.Time))
		switch v := any(e.Value).(type) {
		case int64:
			exemplar.SetIntValue(v)
		case float64:
			exemplar.SetDoubleValue(v)
		}
		if len(e.TraceID) == len(pcommon.TraceID{}) {
			exemplar.SetTraceID(pcommon.TraceID(e.TraceID))
		}
		if len(e.SpanID) == len(pcommon.SpanID{}) {
			exemplar.SetSpanID(pcommon.SpanID(e.SpanID))
		}
		filtered := attribute.NewSet(e.FilteredAttributes...)
		appendAll(exemplar.FilteredAttributes(), filtered.Iter())
	}
}

func temporality(of metricdata.Temporality) pmetric.AggregationTemporality {
	switch of {
	case metricdata.CumulativeTemporality:
		return pmetric.AggregationTemporalityCumulative
	case metricdata.DeltaTemporality:
		return pmetric.AggregationTemporalityDelta
	}
	return pmetric.AggregationTemporalityUnspecified
}

// timestamp is t in nanoseconds since 1970; no time is 0.
func timestamp(t time.Time) pcommon.Timestamp {
	if t.IsZero() {
		return 0
	}
	return pcommon.NewTimestampFromTime(t)
}

// appendAll appends attributes, all with different keys.
func appendAll(to pcommon.Map, from attribute.Iterator) {
	to.EnsureCapacity(from.Len())
	for from.Next() {
		kv := from.Attribute()
		value := to.PutEmpty(string(kv.Key))
		switch kv.Value.Type() {
		case attribute.BOOL:
			value.SetBool(kv.Value.AsBool())
		case attribute.INT64:
			value.SetInt(kv.Value.AsInt64())
		case attribute.FLOAT64:
			value.SetDouble(kv.Value.AsFloat64())
		case attribute.STRING:
			value.SetStr(kv.Value.AsString())
		case attribute.STRINGSLICE:
			all := value.SetEmptySlice()
			for _, s := range kv.Value.AsStringSlice() {
				all.AppendEmpty().SetStr(s)
			}
		default:
			value.SetStr(kv.Value.String())
		}
	}
}
