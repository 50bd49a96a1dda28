package exchange

// Cost is the price of an exchange, in a currency, by a list of prices that the user
// wrote. The zero value stands for an exchange that nobody priced.
type Cost struct {
	Currency string // ISO 4217, such as USD; empty if the cost is not known
	// Missing says why the cost of an exchange that used tokens is not known; empty if it
	// is known, or if no list of prices is in force.
	Missing Unpriced
	Parts   [CostKinds]float64 // by CostKind

	// Output tokens have a price three times over: those that the provider counts, in Parts;
	// those that came in the stream, without the reasoning that the provider keeps; and those
	// of them that reached the client.
	Streamed  float64
	Delivered float64
}

// Known reports whether c is the cost of an exchange.
func (c *Cost) Known() bool { return c.Currency != "" }

// Total is the sum of the parts.
func (c *Cost) Total() float64 {
	sum := 0.0
	for _, part := range c.Parts {
		sum += part
	}
	return sum
}

// CostKind is the thing that a part of a Cost pays for.
type CostKind uint8

// The kinds. Each leaves out the tokens of all others: CostInput is the prompt without
// its cached tokens, CostOutput is the output without its reasoning.
const (
	CostInput CostKind = iota
	CostOutput
	CostCacheRead
	CostCacheWrite     // for five minutes
	CostCacheWriteHour // for an hour
	CostReasoning
	CostInputAudio
	CostInputImage
	CostOutputAudio
	CostRequest // the request itself, whatever it says

	// CostKinds is the number of the kinds.
	CostKinds = iota
)

// String is the name of k in price files, metrics and captures.
func (k CostKind) String() string {
	return [CostKinds]string{
		"input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "input_audio", "input_image", "output_audio", "request",
	}[k]
}

// Unpriced is the reason why an exchange has no cost.
type Unpriced string

// The reasons.
const (
	NoPrice  Unpriced = "no_price"  // the list has no price of the model at that time, or none of a kind of token that came
	NoTokens Unpriced = "no_tokens" // headway does not know how many tokens there were
)
