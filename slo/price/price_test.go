package price_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/price"
)

const file = `
currency: USD
prices:
  - model: gpt-4o-mini*
    per_million: {input: 0.15, output: 0.60, cache_read: 0.075}
  - {model: gpt-4o*, until: 2026-07-01, per_million: {input: 5, output: 15}}
  - {model: gpt-4o*, from: 2026-07-01, per_million: {input: 2.50, output: 10}}
  - model: claude-*
    per_million: {input: 3, output: 15, cache_read: 0.30, cache_write: 3.75, cache_write_1h: 6}
  - model: speech
    per_million: {input: 4, output: 16, input_audio: 32, output_audio: 64, input_image: 5, reasoning: 20}
  - {model: search, per_million: {input: 1, output: 1}, per_request: 0.005}
  - {model: embed, per_million: {input: 0.02}}
  - {model: local*, upstream: "*.internal", per_request: 0}
`

var july = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string) price.List {
	t.Helper()
	l, warnings, err := price.Parse("prices.yaml", strings.NewReader(text), july)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return l
}

func record(model string, u exchange.Usage) exchange.Record {
	return exchange.Record{
		Start: july, Operation: exchange.Chat, Outcome: exchange.OK, Stream: true,
		Model: exchange.Model{Request: model}, Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443}, Usage: u,
	}
}

func known(n int64) exchange.Count { return exchange.Known(n) }

// TestOf: the sums are worked out by hand, in millionths of a dollar.
func TestOf(t *testing.T) {
	l := parse(t, file)
	for _, tt := range []struct {
		name   string
		record exchange.Record
		want   float64
		pays   string // the kinds that have a part
	}{
		{"input and output", record("gpt-4o-mini", exchange.Usage{Input: known(1000), Output: known(200)}), 150 + 120, "input output"},
		{"cached tokens are a part of the input", record("gpt-4o-mini", exchange.Usage{Input: known(1000), CacheRead: known(600), Output: known(200)}), 400*.15 + 600*.075 + 120, "input output cache_read"},
		{"without a price of its own, a part has that of the whole", record("gpt-4o", exchange.Usage{Input: known(1000), CacheRead: known(600), Output: known(10), Reasoning: known(4)}), 2500 + 100, "input output cache_read reasoning"},
		{"five minutes and an hour in the cache", record("claude-x", exchange.Usage{Input: known(1000), CacheWrite: known(500), CacheWriteHour: known(200), CacheRead: known(100), Output: known(10)}),
			400*3 + 100*.3 + 300*3.75 + 200*6 + 150, "input output cache_read cache_write cache_write_1h"},
		{"sound, pictures and reasoning", record("speech", exchange.Usage{Input: known(100), InputAudio: known(30), InputImage: known(20), Output: known(50), OutputAudio: known(25), Reasoning: known(5)}),
			50*4 + 30*32 + 20*5 + 20*16 + 25*64 + 5*20, "input output reasoning input_audio input_image output_audio"},
		{"sound, of which the cache gave a part", record("speech", exchange.Usage{Input: known(1000), CacheRead: known(420), InputAudio: known(80), InputImage: known(258), Output: known(30), OutputAudio: known(20)}),
			242*4 + 420*4 + 80*32 + 258*5 + 10*16 + 20*64, "input output cache_read input_audio input_image output_audio"},
		{"more in a part than in the whole", record("speech", exchange.Usage{Input: known(10), InputAudio: known(13), Output: known(20), OutputAudio: known(91)}), 10*32 + 20*64, "input_audio output_audio"},
		{"the request has a price", record("search", exchange.Usage{Input: known(1000), Output: known(10)}), 1010 + 5000, "input output request"},
		{"a model that costs nothing", func() exchange.Record {
			r := record("local-7b", exchange.Usage{Input: known(1000), Output: known(10)})
			r.Upstream.Host = "vllm.internal"
			return r
		}(), 0, ""},
		{"the model of the response", func() exchange.Record {
			r := record("my-deployment", exchange.Usage{Input: known(1000), Output: known(200)})
			r.Model.Response = "gpt-4o-mini-2024-07-18"
			return r
		}(), 270, "input output"},
		{"the price of its day", func() exchange.Record {
			r := record("gpt-4o", exchange.Usage{Input: known(1000), Output: known(10)})
			r.Start = july.Add(-time.Nanosecond)
			return r
		}(), 5000 + 150, "input output"},
		{"an operation that generates nothing", func() exchange.Record {
			r := record("embed", exchange.Usage{Input: known(1000)})
			r.Operation, r.Stream = exchange.Embeddings, false
			return r
		}(), 20, "input"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.Of(&tt.record)
			if got := c.Total() * 1e6; math.Abs(got-tt.want) > 1e-6 || c.Currency != "USD" || c.Missing != "" {
				t.Errorf("%v millionths of %q (missing %q), want %v", got, c.Currency, c.Missing, tt.want)
			}
			var pays []string
			for kind, part := range c.Parts {
				if part > 0 {
					pays = append(pays, exchange.CostKind(kind).String())
				}
			}
			if got := strings.Join(pays, " "); got != tt.pays {
				t.Errorf("parts: %s; want %s", got, tt.pays)
			}
		})
	}
}

// TestUnpriced: an unknown cost is no cost of 0, and says why.
func TestUnpriced(t *testing.T) {
	l := parse(t, file)
	counted := exchange.Usage{Input: known(10), Output: known(1)}
	for _, tt := range []struct {
		name   string
		list   price.List
		change func(*exchange.Record)
		want   exchange.Unpriced
	}{
		{"a model without a price", l, func(r *exchange.Record) { r.Model.Request = "o3" }, exchange.NoPrice},
		{"a price of another upstream", l, func(r *exchange.Record) { r.Model.Request = "local-7b" }, exchange.NoPrice},
		{"a price without output", l, func(r *exchange.Record) { r.Model.Request = "embed" }, exchange.NoPrice},
		{"tokens that nobody knows", l, func(r *exchange.Record) { r.Usage = exchange.Usage{} }, exchange.NoTokens},
		{"an input that nobody knows", l, func(r *exchange.Record) { r.Usage.Input = exchange.Count{} }, exchange.NoTokens},
		{"a refused request, which nobody bills", l, func(r *exchange.Record) { r.Usage, r.Outcome = exchange.Usage{}, exchange.HTTPError }, ""},
		{"traffic of no API", l, func(r *exchange.Record) { r.Operation = "" }, ""},
		{"no file", price.List{}, func(*exchange.Record) {}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record("gpt-4o", counted)
			tt.change(&r)
			if c := tt.list.Of(&r); c.Missing != tt.want || c.Known() || c.Total() != 0 {
				t.Errorf("got %+v, want missing %q", c, tt.want)
			}
		})
	}
}

// TestThreePricesOfOutput: the provider counts 100 tokens with 40 of reasoning, 60 came,
// and the client left with 25 of them.
func TestThreePricesOfOutput(t *testing.T) {
	l := parse(t, file)
	r := record("gpt-4o", exchange.Usage{Input: known(10), Output: known(100), Reasoning: known(40), Streamed: known(60), Delivered: known(25)})
	c := l.Of(&r)
	reported := c.Parts[exchange.CostOutput] + c.Parts[exchange.CostReasoning]
	for _, tt := range []struct{ got, want float64 }{{reported, 1000}, {c.Streamed, 600}, {c.Delivered, 250}} {
		if math.Abs(tt.got*1e6-tt.want) > 1e-6 {
			t.Errorf("got %v millionths, want %v", tt.got*1e6, tt.want)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", `prices.yaml:1: the file is empty; begin with currency: USD`},
		{"no mapping", "- a", `prices.yaml:1: a list is no mapping; write a mapping with currency, prices`},
		{"a typo", "currency: USD\nprices:\n  - {model: m, per_mililon: {input: 1, output: 1}, per_request: 0}", `prices.yaml:3: prices[0].per_mililon: there is no such key; did you mean per_million?`},
		{"a kind that nobody knows", "currency: USD\nprices:\n  - {model: m, per_million: {input: 1, cached: 1}}", `prices.yaml:3: prices[0].per_million.cached: there is no such key;`},
		{"no currency", "prices: [{model: m, per_request: 0}]", `prices.yaml:1: currency: it is missing; write currency: USD`},
		{"a sign", "currency: $\nprices: [{model: m, per_request: 0}]", `prices.yaml:1: currency: "$" is no code of three capital letters`},
		{"a price with its currency", "currency: USD\nprices: [{model: m, per_million: {input: $2, output: 1}}]", `prices[0].per_million.input: "$2" is no price from 0 up; write a number without the currency: 2.50`},
		{"a negative price", "currency: USD\nprices: [{model: m, per_request: -1}]", `is no price from 0 up`},
		{"no model", "currency: USD\nprices: [{per_request: 1}]", `prices[0].model: it is missing; write the model as requests name it`},
		{"no price", "currency: USD\nprices: [{model: m}]", `prices[0].per_million: it is missing`},
		{"a part without its whole", "currency: USD\nprices: [{model: m, per_million: {output: 1, cache_read: 1}}]", `prices[0].per_million.input: it is missing, and the price of a part of it is there; write input: 2.50`},
		{"no date", "currency: USD\nprices: [{model: m, from: July, per_request: 1}]", `prices[0].from: "July" is no date; write 2026-07-01`},
		{"an end before the beginning", "currency: USD\nprices: [{model: m, from: 2026-07-02, until: 2026-07-02, per_request: 1}]", `prices[0].until: the price ends before it begins`},
		{"a wider pattern first", "currency: USD\nprices:\n  - {model: gpt-4*, per_request: 1}\n  - {model: gpt-4o-*, per_request: 2}", `prices.yaml:4: prices[1].model: "gpt-4o-*" never counts, because "gpt-4*" in line 3 fits first; move the narrower pattern above the wider one`},
		{"a second document", "currency: USD\nprices: [{model: m, per_request: 1}]\n---\na: b", `a second document begins`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := price.Parse("prices.yaml", strings.NewReader(tt.text), july)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestEnded: a list that has no price for today warns.
func TestEnded(t *testing.T) {
	const old = "currency: USD\nprices:\n  - {model: m, until: 2026-07-01, per_request: 1}\n"
	_, warnings, err := price.Parse("prices.yaml", strings.NewReader(old), july)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Error(), `prices.yaml:3: prices[0].until: the price of "m" ended on 2026-07-01 and none follows`) {
		t.Error(warnings, err)
	}
	_, warnings, err = price.Parse("prices.yaml", strings.NewReader(old+"  - {model: m*, from: 2026-07-01, per_request: 2}\n"), july)
	if err != nil || len(warnings) != 0 {
		t.Error(warnings, err)
	}
}

// TestShared: a price that shares requests with an earlier one says so, unless one of them
// is plainly meant to come first.
func TestShared(t *testing.T) {
	for _, tt := range []struct{ name, prices, want string }{
		{"a narrower pattern first", "- {model: gpt-4o-mini*, per_request: 1}\n- {model: gpt-4o*, per_request: 2}", ""},
		{"patterns apart", "- {model: gpt-4*, per_request: 1}\n- {model: claude-*, per_request: 2}", ""},
		{"other ends", "- {model: gpt-*-mini, per_request: 1}\n- {model: gpt-*-nano, per_request: 2}", ""},
		{"two that cross", "- {model: \"*-mini\", per_request: 1}\n- {model: gpt-4*, per_request: 2}",
			`prices.yaml:4: prices[1].model: "gpt-4*" and "*-mini" in line 3 both fit "gpt-4-mini", and the price in line 3 counts; write the price of such models above both`},
		{"two that cross, with several stars", "- {model: \"*a*b\", per_request: 1}\n- {model: c*d*, per_request: 2}", `both fit "cdab"`},
		{"two that cross below the price of what they share", "- {model: gpt-4*-mini, per_request: 0}\n- {model: \"*-mini\", per_request: 1}\n- {model: gpt-4*, per_request: 2}", ""},
		{"two that cross at other upstreams", "- {model: \"*-mini\", upstream: a, per_request: 1}\n- {model: gpt-4*, upstream: b, per_request: 2}", ""},
		{"one after the other", "- {model: m, until: 2026-08-01, per_request: 1}\n- {model: m, from: 2026-08-01, per_request: 2}", ""},
		{"the new price above the old one", "- {model: m, from: 2026-08-01, per_request: 2}\n- {model: m, per_request: 1}", ""},
		{"a month of both", "- {model: m*, until: 2026-09-01, per_request: 1}\n- {model: m, from: 2026-08-01, per_request: 2}",
			`prices.yaml:4: prices[1].from: "m" counts only from 2026-09-01 on, because "m*" in line 3 fits until then; end the price in line 3 with until: 2026-08-01`},
		{"a month of both that is over", "- {model: m, until: 2026-06-01, per_request: 1}\n- {model: m, from: 2026-05-01, per_request: 2}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "currency: USD\nprices:\n" + tt.prices
			_, warnings, err := price.Parse("prices.yaml", strings.NewReader(text), july)
			switch {
			case err != nil:
				t.Error(err)
			case tt.want == "" && len(warnings) > 0, tt.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Error(), tt.want)):
				t.Errorf("%v, want %q", warnings, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file)
	f.Fuzz(func(t *testing.T, text string) {
		l, _, err := price.Parse("prices.yaml", strings.NewReader(text), july)
		if err != nil {
			return
		}
		r := record("gpt-4o", exchange.Usage{Input: known(10), Output: known(5)})
		if c := l.Of(&r); c.Known() && (math.IsNaN(c.Total()) || c.Total() < 0) {
			t.Errorf("a cost of %v", c.Total())
		}
	})
}
