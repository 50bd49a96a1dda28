package production

import (
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Times are those of an answered request, in seconds from its start; 0 is unknown.
type Times struct {
	FirstByte, FirstEvent, TTFT, LastToken, Total float32
	TPOT                                          float32 // seconds a token
	Output                                        float32 // tokens
	Stream                                        bool
	Reported                                      bool // the upstream counted the tokens
}

// TimesOf returns the times of an answered request.
func TimesOf(r *exchange.Record) Times {
	seconds := func(d time.Duration) float32 { return float32(d.Seconds()) }
	return Times{
		FirstByte: seconds(r.Timing.FirstChunk), FirstEvent: seconds(r.Timing.FirstEvent), TTFT: seconds(r.TTFT()),
		LastToken: seconds(r.Timing.LastToken), Total: seconds(r.E2E()), TPOT: seconds(r.TPOT()),
		Output: float32(r.Usage.Output.N), Stream: r.Stream, Reported: r.Usage.Source == exchange.Reported,
	}
}

// Measure reads the value that a tool has by d for the indicator, as far as headway times
// the same; a value of 0 is unknown. Why says what keeps the two apart.
func Measure(name baseline.Name, d baseline.Definition) (read func(*Times) float32, why string) {
	if d.Over != baseline.Request {
		return nil, "one value of the load test stands for a " + string(d.Over) + ", and one of a capture for a request"
	}
	switch name {
	case baseline.TTFT, baseline.TTFB, baseline.E2E, baseline.NTPOT:
		whole, why := until(d.Stop)
		if why == "" && name == baseline.NTPOT {
			return reported(d, func(r *Times) float32 { return whole(r) / max(r.Output, 1) })
		}
		return whole, why
	case baseline.TPOT:
		if d.Start != baseline.FirstContent || d.Stop != baseline.LastContent {
			return nil, "the load test measured from " + string(d.Start) + " to " + string(d.Stop) + ", and headway from first_content to last_content"
		}
		return reported(d, func(r *Times) float32 { return r.TPOT })
	}
	return nil, "a capture has no single gaps, only the quantiles of each request"
}

// until reads the time from the start of the request to a moment.
func until(stop baseline.Edge) (read func(*Times) float32, why string) {
	switch stop {
	case baseline.FirstByte:
		return func(r *Times) float32 { return r.FirstByte }, ""
	case baseline.FirstEvent:
		return func(r *Times) float32 { return r.FirstEvent }, ""
	case baseline.FirstContent:
		return func(r *Times) float32 { return r.TTFT }, ""
	case baseline.LastContent:
		return func(r *Times) float32 {
			if !r.Stream {
				return r.Total // which comes in one piece
			}
			return r.LastToken
		}, ""
	case baseline.EndOfBody:
		return func(r *Times) float32 { return r.Total }, ""
	}
	return nil, "the load test does not say where its clock stops"
}

// reported is a value that divides by tokens. Only where the upstream reports them do both
// sides count the same.
func reported(d baseline.Definition, value func(*Times) float32) (read func(*Times) float32, why string) {
	if d.Tokens != baseline.Usage && d.Tokens != baseline.Tokenizer {
		return nil, "the load test divided by " + string(d.Tokens) + ", and headway by the tokens that the upstream reports"
	}
	return func(r *Times) float32 {
		if !r.Reported {
			return 0
		}
		return value(r)
	}, ""
}

// reserve says what the time of the load test has in it and that of production has not. Both
// can be compared, and the reader should know.
func reserve(name baseline.Name, d baseline.Definition) string {
	switch {
	case name == baseline.TPOT:
		return ""
	case d.Start == baseline.Scheduled:
		return "the load test counts from when a request was due, its waiting in the tool included; headway from when it came"
	case d.Start == baseline.Unsaid:
		return "the load test does not say where its clock starts; headway's starts when the request came"
	case d.Connect == baseline.ConnectIn:
		return "the load test opened a connection for each request, and that time is in; headway's clock starts when the request came"
	case d.Connect == baseline.ConnectUnknown:
		return "nobody knows whether opening a connection is in the load test's time; it is not in headway's"
	}
	return ""
}
