package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// tableWidth is that of the load-test tools, so that the two tables can stand side by
// side.
const tableWidth = 50

// WriteTable prints s as a load-test tool prints its result. A figure without data prints
// as -. WriteTable returns the first error of w, and prints nothing after it.
func (s Summary) WriteTable(w io.Writer) error {
	t := &table{w: w}
	t.group("Production traffic", s.All, s.Duration)
	for _, g := range s.Groups {
		name := g.Name
		if name == "" {
			name = "(unknown)"
		}
		t.printf("\n")
		t.group(name, g, s.Duration)
	}
	t.notes(s)
	return t.err
}

// notes prints how to read the tables, and what they leave out.
func (t *table) notes(s Summary) {
	t.printf("Latencies and tokens are of successful requests, rates are over the whole capture.\n")
	if known, all := s.All.InputTokens.Known(); known < all {
		t.printf("Tokens that no usage reported are counted by headway, one a chunk, estimated, or unknown. OpenAI's streams\n" +
			"report usage if the request asks for it: stream_options: {include_usage: true}.\n")
	}
	if t.marked {
		t.printf("%s few samples: fewer than %d for a P90, %d for a P95, %d for a P99.\n", fewMark, needed(90), needed(95), needed(99))
	}
	if c := s.All.Calls; c != nil && c.Open > 0 {
		t.printf("%s of calls: without the %d that were not over at %s, when the capture ends.\n", openMark, c.Open, s.End.UTC().Format(time.RFC3339))
	}
	for _, left := range []struct {
		what string
		n    int
	}{
		{"canaries", s.Canaries},
		{"connections that headway could not read", s.Tunnels},
		{"exchanges of no known dialect", s.Others},
	} {
		if left.n > 0 {
			t.printf("Left out, %s: %d.\n", left.what, left.n)
		}
	}
}

const (
	absent  = "-" // stands for a figure without data
	fewMark = "*" // marks a percentile of few samples
	// openMark marks a figure about all calls while some are not over.
	openMark = "*"
)

// table prints rows and remembers the first error.
type table struct {
	w      io.Writer
	err    error
	marked bool // a row has fewMark
}

func (t *table) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *table) title(text string, fill string) {
	room := max(0, tableWidth-len([]rune(text)))
	t.printf("%s%s%s\n", strings.Repeat(fill, room/2), text, strings.Repeat(fill, room-room/2))
}

func (t *table) row(label, value string)           { t.printf("%-40s %s\n", label+":", value) }
func (t *table) count(label string, n int)         { t.row(label, strconv.Itoa(n)) }
func (t *table) number(label string, v *float64)   { t.row(label, number(v)) }
func (t *table) millis(label string, secs float64) { t.number(label+" (ms)", new(secs*1000)) }

func number(v *float64) string {
	if v == nil {
		return absent
	}
	return fmt.Sprintf("%.2f", *v)
}

// percent is a share in percent.
func percent(share *float64) *float64 {
	if share == nil {
		return nil
	}
	return new(100 * *share)
}

func (t *table) group(name string, g Group, seconds *float64) {
	t.title(" "+name+" ", "=")
	t.count("Successful requests", g.Successful)
	t.count("Failed requests", g.Failed)
	t.count("Requests whose client left early", g.Left)
	t.number("Duration (s)", seconds)
	t.tokens("Total input tokens", g.InputTokens)
	t.tokens("Total generated tokens", g.OutputTokens)
	t.costs("Cost", g.Costs, g.Exchanges)
	t.number("Request throughput (req/s)", g.RequestRate)
	if g.Goodput != nil {
		t.number("Request goodput (req/s)", g.Goodput.Rate)
	}
	t.tokenRate("Output token throughput (tok/s)", g.OutputRate, g.OutputTokens)
	t.tokenRate("Total token throughput (tok/s)", g.TokenRate, g.TotalTokens)
	t.number("Mean concurrent requests", g.MeanConcurrency)
	t.count("Peak concurrent requests", g.PeakConcurrency)
	t.latency("Time to First Token", "TTFT", g.TTFT)
	t.answer("Time to First Answer Token", "TTFA", g.TTFA, g.TTFT)
	t.latency("Time per Output Token (excl. 1st token)", "TPOT", g.TPOT)
	t.itl(g)
	t.latency("End-to-end Latency", "E2EL", g.E2E)
	t.ended("Failed requests, time until they ended", g.FailedE2E)
	t.ended("Requests whose client left, time until then", g.LeftE2E)
	t.promptCache(g.PromptCache)
	t.goodput(g.Goodput, g.Calls)
	t.requestLimits(g.Limits)
	outcomes(t, "Outcomes", g.Outcomes, exchange.Outcomes(), g.Exchanges, "")
	if g.Calls != nil {
		t.calls(g.Calls)
	}
	if g.Turns != nil {
		t.turns(g.Turns)
	}
	t.printf("%s\n", strings.Repeat("=", tableWidth))
}

// tokens prints a sum of tokens, and how sure its parts are unless the upstream reported
// all of them.
func (t *table) tokens(label string, n Tokens) {
	value := absent
	if n.Sum != nil {
		value = strconv.FormatInt(*n.Sum, 10)
	}
	_, all := n.Known()
	if all > n.Sources[string(exchange.Reported)] {
		var parts []string
		for _, source := range sources() {
			if k := n.Sources[source]; k > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", k, source))
			}
		}
		value += " (requests: " + strings.Join(parts, ", ") + ")"
	}
	t.row(label, value)
}

// tokenRate prints a rate of tokens, and of how many requests the tokens are known unless of
// all.
func (t *table) tokenRate(label string, rate *float64, of Tokens) {
	value := number(rate)
	if known, all := of.Known(); 0 < known && known < all {
		value += fmt.Sprintf(" (of %d of %d requests)", known, all)
		if rate == nil {
			value = fmt.Sprintf("%s (known of %d of %d requests)", absent, known, all)
		}
	}
	t.row(label, value)
}

// outcomes prints how many of all had each outcome, the known outcomes first. The mark is
// behind every share.
func outcomes[O outcome](t *table, title string, counts map[string]int, known []O, all int, mark string) {
	t.title(title, "-")
	rest := maps.Clone(counts)
	row := func(name string) {
		if n := rest[name]; n > 0 {
			value := fmt.Sprintf("%d (%.2f %%%s)", n, 100*float64(n)/float64(all), mark)
			if meaning := O(name).Meaning(); meaning != "" {
				value += " " + meaning
			}
			t.row(name, value)
		}
		delete(rest, name)
	}
	for _, o := range known {
		row(string(o))
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		row(name)
	}
}

// outcome is the outcome of exchanges or of calls.
type outcome interface {
	~string
	Meaning() string
}
