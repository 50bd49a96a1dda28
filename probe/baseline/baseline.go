// Package baseline holds what a load test found: cells of model, input tokens, output
// tokens and load, each with its latencies as quantiles, with the definition by which the
// tool measured them, and with what makes them less sure. It reads and writes them as
// headway-baseline/v1.
//
// An absent field is unknown, never zero. All times are in seconds.
package baseline

// Schema names the format of the file.
const Schema = "headway-baseline/v1"

// Baseline is a file of cells.
type Baseline struct {
	Schema string `json:"schema"`
	Cells  []Cell `json:"cells"`
}

// Cell is one workload under one load.
type Cell struct {
	ID           string     `json:"id"` // unique in its file; Name gives it
	Model        string     `json:"model"`
	InputTokens  Length     `json:"input_tokens"`
	OutputTokens Length     `json:"output_tokens"`
	Load         Load       `json:"load"`
	Stream       *bool      `json:"stream,omitempty"`
	Source       Source     `json:"source"`
	Requests     Requests   `json:"requests"`
	Duration     *float64   `json:"duration_s,omitempty"`
	Throughput   Throughput `json:"throughput,omitzero"`
	Goodput      *Goodput   `json:"goodput,omitempty"`
	// Indicators has at least one.
	Indicators map[Name]Indicator `json:"indicators"`
	Flags      []Flag             `json:"flags,omitempty"` // in the order of the alphabet
}

// Length is the number of tokens of a prompt or of an answer.
type Length struct {
	Mean float64  `json:"mean"`
	P50  *float64 `json:"p50,omitempty"`
}

// Source says where a cell comes from.
type Source struct {
	Tool    string `json:"tool"`
	Version string `json:"version,omitempty"`
	File    string `json:"file"`              // without its folder
	Started string `json:"started,omitempty"` // as the file has it
}

// LoadKind says how the tool made its load.
type LoadKind string

// The kinds of load.
const (
	// Concurrency is a closed loop: so many requests in flight, and each end starts the next.
	Concurrency LoadKind = "concurrency"
	// Rate is an open loop: so many requests a second, whatever the server does.
	Rate LoadKind = "rate"
	// Unlimited is every request at once.
	Unlimited LoadKind = "unlimited"
)

// Load is what the tool was asked for, and how many requests were in flight for it.
type Load struct {
	Kind LoadKind `json:"kind"`
	// Value is a number of requests in flight, or of requests a second. Unlimited has none.
	Value float64 `json:"value,omitempty"`
	// MaxConcurrency caps the requests in flight beside a rate.
	MaxConcurrency *float64 `json:"max_concurrency,omitempty"`
	Burstiness     *float64 `json:"burstiness,omitempty"` // shape of the gaps; 1 is Poisson
	// MeanConcurrency is the sum of the latencies ÷ the duration, or what the tool measured.
	MeanConcurrency *float64 `json:"mean_concurrency,omitempty"`
}

// Requests counts the requests of a cell. Failed is nil if the file does not say.
type Requests struct {
	OK     int  `json:"ok"`
	Failed *int `json:"failed,omitempty"`
}

// Throughput is per second of the run.
type Throughput struct {
	Requests     *float64 `json:"requests_per_s,omitempty"`
	OutputTokens *float64 `json:"output_tokens_per_s,omitempty"`
	TotalTokens  *float64 `json:"total_tokens_per_s,omitempty"`
}

// Goodput is what the tool itself found, by limits that it was given.
type Goodput struct {
	PerSecond float64          `json:"requests_per_s"`
	Ratio     *float64         `json:"ratio,omitempty"` // of the requests that the tool counted
	Limits    map[Name]float64 `json:"limits_s,omitempty"`
}
