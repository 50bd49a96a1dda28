package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// CaptureLine has the fields of a capture line that these tests read.
type CaptureLine struct {
	Start         time.Time `json:"start"`
	Dialect       string    `json:"dialect"`
	Operation     string    `json:"operation"`
	Stream        bool      `json:"stream"`
	Status        int       `json:"status"`
	Outcome       string    `json:"outcome"`
	FinishReasons []string  `json:"finish_reasons"`
	TTFT          *float64  `json:"ttft_s"`
	TPOT          *float64  `json:"tpot_s"`
	E2E           *float64  `json:"e2e_s"`
	ContentChunks int       `json:"content_chunks"`
	Model         struct {
		Request string `json:"request"`
	} `json:"model"`
	ITL *struct {
		P50 float64 `json:"p50"`
		P90 float64 `json:"p90"`
		P99 float64 `json:"p99"`
		Max float64 `json:"max"`
	} `json:"itl_s"`
	Tokens struct {
		Input      *int   `json:"input"`
		Output     *int   `json:"output"`
		CacheRead  *int   `json:"cache_read"`
		CacheWrite *int   `json:"cache_write"`
		Reasoning  *int   `json:"reasoning"`
		Source     string `json:"source"`
	} `json:"tokens"`
}

// CompareFacts fails the test unless the line and the simulator agree about the
// exchange, in everything but times. Without usage in the answer (toldUsage is false),
// the line must have the tokens that headway counted in the chunks.
func CompareFacts(t *testing.T, x modelsim.Exchange, line CaptureLine, toldUsage bool) {
	t.Helper()
	fact := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s (%s): %s is %s, ground truth %s", line.Model.Request, x.ID, name, InJSON(got), InJSON(want))
		}
	}
	fact("dialect", line.Dialect, x.Dialect)
	fact("operation", line.Operation, x.Operation)
	// If a fault strikes before the simulator reads the body, the simulator does not
	// know these.
	if x.Model != "" {
		fact("model", line.Model.Request, x.Model)
		fact("stream", line.Stream, x.Stream)
	}
	fact("status", line.Status, x.Status)
	fact("outcome", line.Outcome, wantOutcome(x))
	if x.Outcome == modelsim.OutcomeOK {
		fact("finish reasons", distinct(line.FinishReasons), distinct(x.FinishReasons))
		switch {
		case x.Operation == "rerank": // which is not paid by the token
			fact("source of tokens", line.Tokens.Source, "")
		case toldUsage:
			fact("source of tokens", line.Tokens.Source, "reported")
			fact("input tokens", line.Tokens.Input, &x.PromptTokens)
			if x.Operation == "embeddings" {
				fact("output tokens", line.Tokens.Output, (*int)(nil))
			} else {
				fact("output tokens", line.Tokens.Output, &x.OutputTokens)
			}
		case !x.Stream: // nobody can count
			fact("source of tokens", line.Tokens.Source, "")
		default:
			shown := x.ShownTokens()
			fact("source of tokens", line.Tokens.Source, "counted")
			fact("output tokens", line.Tokens.Output, &shown)
		}
	}
	if x.Outcome == modelsim.OutcomeClientGone {
		fact("no more chunks than were sent", line.ContentChunks <= len(x.Chunks), true)
	} else if line.Stream {
		fact("content chunks", line.ContentChunks, len(x.Chunks))
	}
	if line.Tokens.CacheRead != nil {
		fact("cached tokens", *line.Tokens.CacheRead, x.CachedTokens)
	}
	if line.Tokens.CacheWrite != nil {
		fact("tokens for the cache", *line.Tokens.CacheWrite, x.CacheWriteTokens)
	}
	if line.Tokens.Reasoning != nil && x.Outcome == modelsim.OutcomeOK {
		fact("reasoning tokens", *line.Tokens.Reasoning, x.ReasoningTokens)
	}
	if len(x.Chunks) == 0 {
		fact("TTFT", line.TTFT, (*float64)(nil))
	}
}

// wantOutcome returns headway's outcome for the end that the simulator gave an
// exchange.
func wantOutcome(x modelsim.Exchange) string {
	switch {
	case x.Outcome == modelsim.OutcomeClientGone:
		return "client_gone"
	case x.Status == http.StatusTooManyRequests, x.Status == http.StatusServiceUnavailable, x.Status == 529:
		return "refused"
	case x.Status >= http.StatusBadRequest:
		return "http_error"
	case x.Outcome == modelsim.OutcomeFault && strings.HasPrefix(x.Fault, "error"):
		return "stream_error"
	case x.Outcome == modelsim.OutcomeFault && strings.HasPrefix(x.Fault, "cut"):
		return "upstream_cut"
	}
	return "ok"
}

// InJSON returns v as JSON, for messages.
func InJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func distinct(words []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}

// Deviations are the differences between measured times and the simulator's, by
// indicator. The zero value has none.
type Deviations struct {
	names  []string
	errors map[string][]time.Duration
}

// Add adds one measured time, in seconds, beside the true one.
func (d *Deviations) Add(name string, measured float64, truth time.Duration) {
	if d.errors == nil {
		d.errors = map[string][]time.Duration{}
	}
	if _, ok := d.errors[name]; !ok {
		d.names = append(d.names, name)
	}
	d.errors[name] = append(d.errors[name], time.Duration(math.Round(measured*1e9))-truth)
}

// Compare adds the differences between the line's times and the exchange's.
func (d *Deviations) Compare(t *testing.T, x modelsim.Exchange, line CaptureLine) {
	t.Helper()
	if x.Outcome == modelsim.OutcomeOK && line.E2E != nil {
		d.Add("E2E", *line.E2E, time.Duration(x.EndAt-x.ReceivedAt))
	}
	if !line.Stream || len(x.Chunks) == 0 {
		return
	}
	if line.TTFT == nil {
		t.Errorf("%s (%s): no TTFT, ground truth %s", line.Model.Request, x.ID, x.TTFT())
		return
	}
	d.Add("TTFT", *line.TTFT, x.TTFT())
	if x.Outcome == modelsim.OutcomeClientGone || len(x.Chunks) < 2 {
		return // the simulator wrote more than the client read, or there are no gaps
	}
	if line.TPOT == nil && len(x.Chunks) > 2 {
		t.Errorf("%s (%s): no TPOT of %d chunks", line.Model.Request, x.ID, len(x.Chunks))
	}
	if line.TPOT != nil {
		d.Add("TPOT", *line.TPOT, x.TPOT())
	}
	d.compareITL(t, x, line)
}

// compareITL compares latencies between tokens. A chunk with several tokens does not
// say how many it has. headway divides the tokens among the chunks by itself, so only
// TPOT can be true.
func (d *Deviations) compareITL(t *testing.T, x modelsim.Exchange, line CaptureLine) {
	t.Helper()
	if line.ITL == nil {
		t.Errorf("%s (%s): no ITL of %d chunks", line.Model.Request, x.ID, len(x.Chunks))
		return
	}
	if x.ShownTokens() > len(x.Chunks) {
		return
	}
	itl := slices.Sorted(slices.Values(x.Gaps()))
	if len(itl) == 1 {
		d.Add("single gap", line.ITL.Max, itl[0])
		return
	}
	d.Add("ITL p50", line.ITL.P50, Quantile(itl, 0.5))
	d.Add("ITL p90", line.ITL.P90, Quantile(itl, 0.9))
	d.Add("ITL p99", line.ITL.P99, Quantile(itl, 0.99))
	d.Add("ITL max", line.ITL.Max, itl[len(itl)-1])
}

// limits are the greatest errors that measured times may have, at the median and at the
// 99th percentile. The latter counts only from p99Samples samples on.
type limits struct{ median, p99 time.Duration }

const p99Samples = 100

// Judge returns the table of the deviations, and an error for indicators that are off
// by more than the limits. The limits are those that headway promises. control has the
// deviations of readers that ran at the same time without headway: twice their error is
// the limit if it is greater than the promise, because the machine causes that error,
// not headway.
func (d *Deviations) Judge(control *Deviations) (string, error) {
	allowed := limits{median: time.Millisecond, p99: 5 * time.Millisecond}
	for _, all := range control.errors {
		size := sizes(all)
		allowed.median = max(allowed.median, 2*Quantile(size, 0.5))
		allowed.p99 = max(allowed.p99, 2*Quantile(size, 0.99))
	}
	return d.within(allowed)
}

// within returns the table of the deviations, and an error for indicators that are off
// by more than the allowed limits.
func (d *Deviations) within(allowed limits) (string, error) {
	var table strings.Builder
	var off []error
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "measured − truth\tn\tmedian\t|error| p50\tp99\tmax\t")
	for _, name := range d.names {
		signed, size := slices.Sorted(slices.Values(d.errors[name])), sizes(d.errors[name])
		p50, p99 := Quantile(size, 0.5), Quantile(size, 0.99)
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t\n", name, len(size), Quantile(signed, 0.5), p50, p99, size[len(size)-1])
		if p50 > allowed.median || len(size) >= p99Samples && p99 > allowed.p99 {
			off = append(off, fmt.Errorf("%s is off by %s at the median and %s at p99", name, p50, p99))
		}
	}
	_ = w.Flush() // into memory
	return table.String(), errors.Join(off...)
}

// sizes returns the absolute values of all, in ascending order.
func sizes(all []time.Duration) []time.Duration {
	out := make([]time.Duration, len(all))
	for i, e := range all {
		out[i] = e.Abs()
	}
	slices.Sort(out)
	return out
}

// Quantile returns the nearest-rank quantile q of values in ascending order.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
