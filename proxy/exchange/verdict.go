package exchange

// Verdict is the judgement of one SLO on an exchange, or on the chain that the exchange
// ended.
type Verdict struct {
	SLO    string // its name
	Good   bool
	Missed Misses // empty when Good
	Chain  bool   // the SLO judged the chain; otherwise the exchange by itself
}

// Indicator is a quantity that an objective limits.
type Indicator uint8

// The indicators, in the order in which First names a missed one.
const (
	Error             Indicator = iota // the exchange failed, or the upstream turned it away
	TTFT                               // time to the first token
	TTFTPerInputToken                  // the same, divided by the prompt's tokens
	TTFA                               // time to the first answer token
	TPOT                               // time per output token after the first
	ITLP50                             // quantiles of the inter-token latency, weighted by tokens
	ITLP90
	ITLP99
	Stall             // the longest time without content inside the stream
	Silence           // the longest time without a byte inside the stream
	E2E               // time to the last byte
	E2EPerOutputToken // the same, divided by the tokens of the answer
)

// Indicators lists every indicator.
func Indicators() []Indicator {
	return []Indicator{Error, TTFT, TTFTPerInputToken, TTFA, TPOT, ITLP50, ITLP90, ITLP99, Stall, Silence, E2E, E2EPerOutputToken}
}

// String is the name of i in SLO files, metrics and captures.
func (i Indicator) String() string {
	return [...]string{
		"error", "ttft", "ttft_per_input_token", "ttfa", "tpot", "itl_p50", "itl_p90", "itl_p99", "stall", "silence", "e2e",
		"e2e_per_output_token",
	}[i]
}

// Misses is a set of indicators.
type Misses uint16

// With returns m and i together.
func (m Misses) With(i Indicator) Misses { return m | 1<<i }

// Has reports whether m contains i.
func (m Misses) Has(i Indicator) bool { return m&(1<<i) != 0 }

// First is the name of the first indicator in m, or "none".
func (m Misses) First() string {
	for _, i := range Indicators() {
		if m.Has(i) {
			return i.String()
		}
	}
	return "none"
}
