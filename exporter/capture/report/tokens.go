package report

import (
	"cmp"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Tokens is a sum of token counts, and the exchanges behind it by how sure their counts
// are.
type Tokens struct {
	Sum *int64 `json:"sum"` // of the known counts; null when none is known
	// Sources is how many exchanges have a count of each source (reported, running,
	// counted, estimated), and how many have none (unknown).
	Sources map[string]int `json:"sources"`
}

// unknown is the source of a count that nobody knows.
const unknown = "unknown"

// sources lists the sources of counts in the order in which a table names them.
func sources() []string {
	return []string{string(exchange.Reported), string(exchange.Running), string(exchange.Counted), string(exchange.Estimated), unknown}
}

func newTokens() Tokens { return Tokens{Sources: map[string]int{}} }

// add adds the count of one exchange, which may be nil.
func (t *Tokens) add(n *int64, source string) {
	if n == nil {
		t.Sources[unknown]++
		return
	}
	t.Sources[source]++
	t.Sum = plus(t.Sum, *n)
}

// Known is the number of exchanges whose count is known, and all of them.
func (t Tokens) Known() (known, all int) {
	for _, n := range t.Sources {
		all += n
	}
	return all - t.Sources[unknown], all
}

// plus adds n to a sum that is nil before its first part.
func plus(sum *int64, n int64) *int64 {
	if sum != nil {
		n += *sum
	}
	return &n
}

// tokens sums up the tokens of successful exchanges.
type tokens struct {
	input, output Tokens
	// total is input and output together, of the exchanges of which all of it is known.
	total Tokens
}

func newTokenSums() tokens {
	return tokens{input: newTokens(), output: newTokens(), total: newTokens()}
}

// add adds an exchange. An operation that generates no tokens, such as embeddings, has no
// output that could be unknown.
func (t *tokens) add(l *capture.Line) {
	input, output, source := l.Tokens.Input, l.Tokens.Output, l.Tokens.Source
	inputSource := cmp.Or(l.Tokens.InputSource, source)
	t.input.add(input, inputSource)
	total := input
	if output != nil || generates(exchange.Operation(l.Operation)) {
		t.output.add(output, source)
		total = nil
		if input != nil && output != nil {
			total = plus(input, *output)
		}
	}
	if inputSource != string(exchange.Estimated) { // else the input is the less sure of the two
		inputSource = source
	}
	t.total.add(total, inputSource)
}

func generates(o exchange.Operation) bool { return o.Generates() || o == exchange.FetchResponse }
