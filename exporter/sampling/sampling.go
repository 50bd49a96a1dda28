// Package sampling decides, when an exchange is over, whether its trace is kept. It keeps
// every exchange that failed or was unusual, and others by chance. Every participant with
// the same information decides the same, and a reader can tell how many exchanges a kept
// one stands for.
package sampling

import "github.com/headway-sidecar/headway/proxy/exchange"

// The reasons why a trace is kept, in their order of precedence: Sampling.Reason.
const (
	// Error keeps an exchange that did not end well, or that its client left: the user
	// waited in vain or stopped a bad answer. A client that gave up waiting often comes
	// again, as the second attempt of a chain, which would miss its first attempt.
	Error  = "error"
	SLO    = "slo"    // an objective was missed
	Chain  = "chain"  // it is not the first attempt of its chain
	Stall  = "stall"  // its stream paused: Record.Stalled
	Slow   = "slow"   // it is among the slowest 1 % of its kind
	Parent = "parent" // the client keeps its own
	Ratio  = "ratio"  // by chance
)

// Reasons lists every reason, in their order of precedence.
func Reasons() []string { return []string{Error, SLO, Chain, Stall, Slow, Parent, Ratio} }

// Config says how a Sampler decides, and who is next.
type Config struct {
	// Ratio is the share to keep, from 0 to 1, of exchanges that have no reason to be kept
	// and whose client sent no trace context.
	Ratio float64
	Next  exchange.ChainObserver
}

// Sampler is the stage that samples. It stands behind the SLO stage, gives every Record
// its Sampling and hands the Record on. It is safe for concurrent use.
//
// The first five reasons are certain: they keep every exchange that has one, whatever the
// client decided, and each such exchange stands for itself (Threshold 0). The other two
// follow OpenTelemetry's consistent probability sampling.
type Sampler struct {
	threshold uint64
	next      exchange.ChainObserver
	pace      pace
}

// New returns a Sampler by c.
func New(c Config) *Sampler {
	return &Sampler{threshold: Threshold(c.Ratio), next: c.Next}
}

// Sampled says whether the Ratio keeps a trace of that id. It is the decision for a request
// without a trace context when the request starts. If it is true, Observe will keep the
// trace, too.
func (s *Sampler) Sampled(id exchange.TraceID) bool { return randomness(id) >= s.threshold }

// Observe gives r its Sampling.
func (s *Sampler) Observe(r exchange.Record) {
	r.Sampling = s.sample(&r)
	s.next.Observe(r)
}

// ObserveChain gives c's last attempt the Sampling that follows from the chain, which the
// Record could not know: all attempts are kept if there are several, or if the only one
// failed.
func (s *Sampler) ObserveChain(c exchange.Chain) {
	switch {
	case c.Last.Outcome != exchange.OK:
		c.Last.Sampling = always(Error)
	case c.Attempts > 1:
		c.Last.Sampling = always(Chain)
	}
	s.next.ObserveChain(c)
}

// ObserveTurn hands t on.
func (s *Sampler) ObserveTurn(t exchange.WholeTurn) { exchange.HandTurn(s.next, t) }

func (s *Sampler) sample(r *exchange.Record) exchange.Sampling {
	slow := s.pace.slow(r) // pace must see every exchange
	switch {
	case r.Outcome != exchange.OK:
		return always(Error)
	case missed(r.Verdicts):
		return always(SLO)
	case r.Attempt.Number > 1 || r.Attempt.JoinedBy != "":
		return always(Chain)
	case stalled(r):
		return always(Stall)
	case slow:
		return always(Slow)
	case r.Trace.TraceID != "" && !r.Trace.Undecided:
		return follow(r)
	case s.Sampled(r.Span.Trace):
		return exchange.Sampling{Kept: true, Reason: Ratio, Threshold: s.threshold, Weighted: true}
	}
	return exchange.Sampling{}
}

func always(reason string) exchange.Sampling {
	return exchange.Sampling{Kept: true, Reason: reason, Weighted: true}
}

func missed(verdicts []exchange.Verdict) bool {
	for i := range verdicts {
		if !verdicts[i].Good {
			return true
		}
	}
	return false
}

func stalled(r *exchange.Record) bool {
	_, is := r.Stalled()
	return is
}

// follow decides as the client did. The client's threshold holds unless it contradicts
// the client's decision (OpenTelemetry, TraceState: Probability Sampling, general
// requirements).
func follow(r *exchange.Record) exchange.Sampling {
	if !r.Trace.Sampled {
		return exchange.Sampling{}
	}
	state := exchange.TraceState(r.Trace.State).OTel()
	random, explicit := state.Randomness()
	if !explicit {
		random = randomness(r.Span.Trace)
	}
	threshold, weighted := state.Threshold()
	if !weighted || random < threshold {
		return exchange.Sampling{Kept: true, Reason: Parent}
	}
	return exchange.Sampling{Kept: true, Reason: Parent, Threshold: threshold, Weighted: true}
}
