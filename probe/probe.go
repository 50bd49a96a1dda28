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
	Baseline string // the id of a cell, Auto for the nearest one, or empty for none
}

// Auto is the Baseline of a probe that is held beside the cell nearest to it.
const Auto = "auto"

// Shape is the length of a canary, in tokens.
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
