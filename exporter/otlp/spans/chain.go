package spans

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// first is the earliest attempt of a chain.
func first(records []exchange.Record) *exchange.Record {
	r := &records[0]
	for i := range records {
		if records[i].Attempt.Number < r.Attempt.Number {
			r = &records[i]
		}
	}
	return r
}

// verdictsOf lists the verdicts on c. A chain that was closed late has them itself. The
// verdicts on any other chain are with the attempt that closed it, beside those on that
// attempt.
func verdictsOf(c *exchange.Chain, records []exchange.Record) []exchange.Verdict {
	if len(c.Verdicts) > 0 {
		return c.Verdicts
	}
	for i := range records {
		if records[i].Attempt.Outcome != "" {
			return only(true, records[i].Verdicts)
		}
	}
	return nil
}

// only lists the verdicts about chains, or those about attempts. It allocates nothing
// where that is all of them or none, which is the usual case.
func only(chain bool, verdicts []exchange.Verdict) []exchange.Verdict {
	other := func(v exchange.Verdict) bool { return v.Chain != chain }
	if !slices.ContainsFunc(verdicts, other) {
		return verdicts
	}
	var some []exchange.Verdict
	for _, v := range verdicts {
		if !other(v) {
			some = append(some, v)
		}
	}
	return some
}

// both lists the verdicts of two moments.
func both(first, late []exchange.Verdict) []exchange.Verdict {
	if len(late) == 0 {
		return first
	}
	return slices.Concat(first, late)
}

// chain writes the span of c itself. The span has no gen_ai.usage.*, so that a sum of
// tokens over spans counts those of the attempts, and none twice. b.mu is held.
func (b *Builder) chain(c *exchange.Chain, records []exchange.Record, p *place) {
	span, last := b.row(), &c.Last
	span.identify(p.context, p.parent, p.remote)
	span.title(last.Operation, last.Model.Request, last.Upstream.Host)
	span.SetKind(kindOf(last.Role))
	start, end := extent(c, records)
	span.SetStartTimestamp(pcommon.Timestamp(uint64(start.UnixNano())))
	span.SetEndTimestamp(pcommon.Timestamp(uint64(end.UnixNano())))
	s := sampling(records)
	span.state(first(records).Trace.State, s)
	span.verdict(exchange.OK)
	if c.Outcome == exchange.Exhausted {
		span.verdict(last.Outcome)
	}

	sheet := &span.main
	sheet.clear()
	sheet.str(operationName, string(last.Operation))
	sheet.str(providerName, last.Provider)
	sheet.str(requestModel, last.Model.Request)
	sheet.str(origin, string(last.Origin))
	b.own.labelled(sheet, last)
	if c.Outcome != exchange.Recovered {
		sheet.str(errorType, string(last.ErrorType))
	}
	sheet.rented(chainID, span.chainID(c.ID))
	sheet.summary(c)
	sheet.judged(verdictsOf(c, records))
	sheet.str(samplingReason, s.Reason)
	sheet.writeTo(span.Attributes())
	span.links(p.link)
	cut[ptrace.SpanEvent](span.Events(), 0)
	span.done()
}

// extent reaches from the start of the first attempt to the end of the last. The
// attempts' own spans are inside it even if the wall clock was set in between.
func extent(c *exchange.Chain, records []exchange.Record) (start, end time.Time) {
	for i := range records {
		r := &records[i]
		if i == 0 || r.Start.Before(start) {
			start = r.Start
		}
		if over := r.Start.Add(r.Timing.End); over.After(end) {
			end = over
		}
	}
	if first(records).Attempt.Number > 1 && c.Start.Before(start) {
		start = c.Start // the first attempt is not sampled, or comes late
	}
	if over := start.Add(c.E2E); len(records) < c.Attempts && over.After(end) {
		end = over
	}
	if over := c.Last.Start.Add(c.Last.Timing.End); over.After(end) && !c.Last.Start.IsZero() {
		end = over
	}
	return start, end
}

// sampling is that of the last attempt, with the lowest threshold of all: a chain is kept
// if one of its attempts is.
func sampling(records []exchange.Record) exchange.Sampling {
	s := records[len(records)-1].Sampling
	for i := range records {
		s.Weighted = s.Weighted && records[i].Sampling.Weighted
		s.Threshold = min(s.Threshold, records[i].Sampling.Threshold)
	}
	return s
}

// summary adds the attributes of the whole chain.
func (s *sheet) summary(c *exchange.Chain) {
	s.str(chainOutcome, string(c.Outcome))
	s.int(chainAttempts, int64(c.Attempts))
	s.strs(chainJoinedBy, c.JoinedBy)
	s.flag(chainFallback, c.Fallback)
	s.flag(chainAmbiguous, c.Ambiguous)
	s.seconds(chainTTFT, c.TTFT)
	s.seconds(chainSlept, c.Slept)
	if c.RetryAfterIgnored > 0 {
		s.int(chainIgnored, int64(c.RetryAfterIgnored))
	}
	if len(c.Waste) == 0 {
		return
	}
	var time time.Duration
	var input, output exchange.Count
	var causes []string
	var times []float64
	for _, w := range c.Waste {
		time += w.Time
		input, output = sum(input, w.Input), sum(output, w.Output)
		causes, times = append(causes, w.Cause), append(times, w.Time.Seconds())
	}
	s.seconds(wastedTime, time)
	s.count(wastedInput, input)
	s.count(wastedOutput, output)
	s.strs(wastedCauses, causes)
	s.doubles(wastedTimes, times)
}

// sum adds the counts that are known.
func sum(a, b exchange.Count) exchange.Count {
	return exchange.Count{N: a.N + b.N, Known: a.Known || b.Known}
}
