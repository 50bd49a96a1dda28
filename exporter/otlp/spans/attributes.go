package spans

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// request adds the attributes of the request: operation, model, upstream.
func (s *sheet) request(r *exchange.Record) {
	s.str(operationName, string(r.Operation))
	s.str(providerName, r.Provider)
	s.str(requestModel, r.Model.Request)
	s.flag(requestStream, r.Stream)
	s.str(serverAddress, r.Upstream.Host)
	if r.Upstream.Port > 0 {
		s.int(serverPort, int64(r.Upstream.Port))
	}
	if r.Attempt.Number > 1 {
		s.int(resendCount, int64(r.Attempt.Number-1))
	}
	s.str(origin, string(r.Origin))
	s.str(probe, r.Probe)
	s.str(mode, string(r.Mode))
	s.str(dialect, r.Dialect)
}

// response adds the attributes of the response: status, outcome, tokens.
func (b *Builder) response(s *sheet, r *exchange.Record) {
	if r.Status > 0 {
		s.int(statusCode, int64(r.Status))
	}
	s.str(outcome, string(r.Told()))
	s.str(errorType, string(r.ErrorType))
	s.str(responseModel, r.Model.Response)
	s.strs(finishReasons, r.FinishReasons)
	u := &r.Usage
	s.count(usageInput, u.Input)
	s.count(usageOutput, u.Output)
	s.count(usageCacheRead, u.CacheRead)
	if b.names.cacheCreation != "" {
		s.count(b.names.cacheCreation, u.CacheWrite)
	}
	if b.names.cacheWrite != "" {
		s.count(b.names.cacheWrite, u.CacheWrite)
	}
	s.count(usageReasoning, u.Reasoning)
	s.str(usageSource, string(u.Source))
	s.str(usageInputSource, string(u.InputSource))
	s.count(usageDelivered, u.Delivered)
	if r.Cost.Known() {
		s.double(costTotal, r.Cost.Total())
		s.str(costCurrency, r.Cost.Currency)
	}
	s.promptCache(&r.Prefix)
}

// promptCache adds why the prompt missed the prompt cache, if it did.
func (s *sheet) promptCache(p *exchange.Prefix) {
	if p.Missed == exchange.NoMiss {
		return
	}
	s.str(cacheMiss, p.Missed.String())
	if p.Changed != exchange.NoPart {
		s.str(cacheChanged, p.Changed.String())
	}
	if p.Message > 0 {
		s.int(cachePosition, int64(p.Message))
	}
	s.int(cacheLost, p.Lost)
}

// timing adds where the time went.
func (w row) timing(s *sheet, r *exchange.Record) {
	s.str(arrivalClock, r.ArrivalClock.String())
	if r.Timing.ResponseHead > 0 {
		s.seconds(waitUpstream, r.Clocks.Upstream.Sum)
		s.seconds(waitProxy, r.Clocks.Proxy.Sum)
		s.seconds(waitClient, r.Clocks.Client.Sum)
	}
	if !r.Stream {
		return
	}
	// The first chunk with generated content, as in the metric of that name.
	s.seconds(timeToFirstChunk, r.TTFT())
	s.seconds(timePerOutputToken, r.TPOT())
	if longest, by := longestStall(r); longest > 0 {
		s.seconds(stallLongest, longest)
		s.str(stallBy, by)
	}
	if all := r.Episodes(); len(all) > 0 {
		longest := time.Duration(0)
		for i := range all {
			longest = max(longest, all[i].Wait())
		}
		s.int(silencesCount, int64(len(all)))
		s.seconds(silenceLongest, longest)
	}
	if r.Chunks.Count > 0 {
		s.int(contentChunks, int64(r.Chunks.Count))
		from := len(w.text)
		w.text = AppendOffsets(w.text, &r.Chunks)
		s.rented(tokenOffsets, w.string(from))
	}
}

// longestStall is the longest stall inside the response's body, and the side that made it.
func longestStall(r *exchange.Record) (time.Duration, string) {
	c := &r.Clocks
	longest, engine := r.StallShared()
	by := "upstream"
	if engine > longest {
		longest, by = engine, "engine"
	}
	if c.Proxy.Longest > longest {
		longest, by = c.Proxy.Longest, "proxy"
	}
	if c.Client.Longest > longest {
		longest, by = c.Client.Longest, "client"
	}
	return longest, by
}

// chained adds which attempt of which chain r was, unless r is the only attempt of a call
// and was answered.
func (w row) chained(s *sheet, r *exchange.Record, p *place) {
	ended := p.outcome != "" && p.outcome != exchange.FirstTry
	if r.Attempt.Chain == 0 || !p.joined && !ended && r.Attempt.Number <= 1 {
		return
	}
	s.rented(chainID, w.chainID(r.Attempt.Chain))
	s.int(chainAttempt, int64(r.Attempt.Number))
	s.str(chainJoinedBy, r.Attempt.JoinedBy)
	s.flag(chainFallback, r.Attempt.Fallback)
	s.flag(chainAmbiguous, r.Attempt.Ambiguous)
	s.str(chainOutcome, string(p.outcome))
}

// chainID is id as exchange.ChainID prints it.
func (w row) chainID(id exchange.ChainID) string {
	from := len(w.text)
	w.text = append(w.text, "0000000000000000"...)
	const digits = "0123456789abcdef"
	for i := len(w.text) - 1; i >= from; i-- {
		w.text[i] = digits[id&15]
		id >>= 4
	}
	return w.string(from)
}

// judged adds the verdicts of the SLOs, if any judged.
func (s *sheet) judged(verdicts []exchange.Verdict) {
	if len(verdicts) == 0 {
		return
	}
	good := true
	for _, v := range verdicts {
		good = good && v.Good
	}
	s.bool(sloGood, good)
	if good {
		return
	}
	var missed []string
	for _, v := range verdicts {
		if v.Good {
			continue
		}
		for _, i := range exchange.Indicators() {
			if v.Missed.Has(i) {
				missed = append(missed, v.SLO+":"+i.String())
			}
		}
		if v.Missed == 0 {
			missed = append(missed, v.SLO+":"+v.Missed.First())
		}
	}
	s.strs(sloMissed, missed)
}
