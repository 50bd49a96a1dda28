package probe

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Run is one canary that is over, or that was not sent.
type Run struct {
	Probe   *Probe
	Outcome Outcome
	At      time.Time // when it was sent, or would have been
	Via     Via       // Sidecar or Direct
	// Load is the number of requests in flight at the server when the canary was sent,
	// itself included, and LoadSource says who counted. 0 is unknown. Of Utilization it is
	// the share of its capacity, from 0 to 1, that the answer itself told.
	Load       float64
	LoadSource LoadSource
	// Record is the tap's. It is empty when nothing was sent.
	Record exchange.Record
	// Fingerprint is that of the serving system, where the answer names it.
	Fingerprint string
	// Calibrating says that the prompt had not found its length yet: a run that is OK, but
	// whose latencies belong to another shape.
	Calibrating bool
	// Seen is when the prober's own end of the connection saw the answer. Only the runs of a
	// probe via Both have it. For Direct it is the Record's; for Sidecar it has the sidecar's
	// own work in it, so that the two of a pair are alike.
	Seen Seen
}

// Seen holds latencies as the prober saw them; 0 is unknown.
type Seen struct {
	TTFT time.Duration
	E2E  time.Duration
}

// Outcome says how a run ended.
type Outcome string

// The outcomes. Only OK runs have latencies to judge by.
const (
	OK          Outcome = "ok"
	Failed      Outcome = "failed"       // an error, or an answer that broke off
	Refused     Outcome = "refused"      // the model would not answer
	Nonsense    Outcome = "nonsense"     // the answer is none to this prompt
	Short       Outcome = "short"        // fewer tokens than asked for
	RateLimited Outcome = "rate_limited" // 429: the probe backs off
	NoModel     Outcome = "no_model"     // the model is gone
	NoKey       Outcome = "no_key"       // the key is missing or refused
	Unreachable Outcome = "unreachable"
	OverBudget  Outcome = "over_budget" // not sent: the day's budget is spent
	Skipped     Outcome = "skipped"     // not sent: the last one was still under way, or the server had asked to wait
)

// Outcomes lists every outcome.
func Outcomes() []Outcome {
	return []Outcome{OK, Failed, Refused, Nonsense, Short, RateLimited, NoModel, NoKey, Unreachable, OverBudget, Skipped}
}

// LoadSource says who counted the requests in flight.
type LoadSource string

// The sources, from the best.
const (
	ServerGauge LoadSource = "server_gauge"
	Utilization LoadSource = "utilization"
	OwnInFlight LoadSource = "own_in_flight"
)

// Observer gets every Run once, in the order in which the runs of a probe end. Runs of
// several probes may come concurrently. It must not block.
type Observer interface{ ObserveRun(Run) }
