// Package probe sends canaries: requests of known length to the models that production
// uses, around the clock. The tap measures a canary as it measures production, and the
// observers of a Run learn how it went.
package probe

import "time"

// Probe is one canary that is sent again and again, as the probe file describes it.
type Probe struct {
	Name     string // unique in its file; a label of every metric about the probe
	URL      string // scheme, host and the path before that of the API
	Dialect  string // openai-chat, say: a dialect that headway reads
	Model    string
	Via      Via
	Shape    Shape
	Cache    Cache
	Every    time.Duration
	Jitter   float64       // share of Every by which a run may come earlier or later
	Timeout  time.Duration // of one run
	Baseline string        // the id of a cell, Auto for the nearest one, or empty for none

	Auth      Auth
	Headers   map[string]string // fields of every request
	Body      map[string]any    // members of the request's JSON in place of headway's own; nil leaves one out
	Seed      int64             // of the prompt's text, and of the model where the API takes one
	IgnoreEOS bool              // ask the server to go on until the answer has its length
	Metrics   string            // URL of the model server's metrics, which tell its load; or empty
	Budget    Budget
	Price     Price
}

// Auth says where the key is. At most one field is set; without any the target needs no key.
type Auth struct {
	Env  string // an environment variable
	File string // read anew for every run, because keys are rotated
}

// Budget bounds what a probe may use within any 24 hours; 0 sets no bound.
type Budget struct {
	Tokens int64
	Money  float64 // in the currency of Price
}

// Price is what a million tokens cost. The zero value is unknown.
type Price struct {
	Input  float64
	Output float64
}

// Of returns the price of so many tokens.
func (p Price) Of(input, output int64) float64 {
	return (float64(input)*p.Input + float64(output)*p.Output) / 1e6
}

// Runs returns how many requests p sends within the given time.
func (p *Probe) Runs(in time.Duration) float64 {
	n := float64(in) / float64(max(p.Every, 1))
	if p.Via == Both {
		n *= 2
	}
	return n
}

// Auto is the Baseline of a probe that is held beside the cell nearest to it.
const Auto = "auto"

// Shape is the length of a canary, in tokens. The zero value, until the baseline is known,
// stands for the lengths of the cell that Baseline names.
type Shape struct {
	Input  int
	Output int
}

// Via is the way that canaries take.
type Via string

// The ways. Both sends pairs, one canary each way: their difference is the cost of the sidecar.
const (
	Sidecar Via = "sidecar"
	Direct  Via = "direct"
	Both    Via = "both"
)

// Cache says what a canary wants from the prompt cache of the server.
type Cache string

// The wishes: Cold prompts begin with random text, Warm ones are alike.
const (
	Cold Cache = "cold"
	Warm Cache = "warm"
)
