package probefile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/probefile"
)

func parse(t *testing.T, text string) probefile.File {
	t.Helper()
	f, err := probefile.Parse("f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAProbeHasDefaults(t *testing.T) {
	f := parse(t, `
defaults: {every: 1m, jitter: 10%, headers: {X-Team: search}, seed: 7}
probes:
  - name: chat-short
    url: https://api.openai.com
    dialect: openai-chat
    model: gpt-4o-mini
  - {name: own, url: "http://vllm:8000", dialect: openai-chat, model: m, via: both, shape: {input_tokens: 128, output_tokens: 16}, cache: warm,
     every: 5s, jitter: 0, timeout: 1m, baseline: auto, auth: {file: /key}, headers: {X-Other: "1"}, body: {temperature: null, n: 1}, ignore_eos: true,
     load: {metrics: "http://vllm:8000/metrics"}, budget: {tokens_per_day: 90000000, money_per_day: 500}, price: {input_per_million: 1, output_per_million: 2}}
`)
	a, b := f.Probes[0], f.Probes[1]
	if a.Via != probe.Sidecar || a.Cache != probe.Cold || a.Every != time.Minute || a.Jitter != 0.1 || a.Timeout != 2*time.Minute || a.Shape != (probe.Shape{Input: 500, Output: 500}) || a.Headers["X-Team"] != "search" || a.Seed != 7 {
		t.Errorf("%+v", a)
	}
	if b.Via != probe.Both || b.Cache != probe.Warm || b.Every != 5*time.Second || b.Jitter != 0 || b.Timeout != time.Minute || b.Shape != (probe.Shape{Input: 128, Output: 16}) ||
		b.Baseline != probe.Auto || b.Auth.File != "/key" || b.Headers["X-Other"] != "1" || b.Headers["X-Team"] != "" || !b.IgnoreEOS || b.Metrics != "http://vllm:8000/metrics" ||
		b.Budget != (probe.Budget{Tokens: 90_000_000, Money: 500}) || b.Price != (probe.Price{Input: 1, Output: 2}) || len(b.Body) != 2 {
		t.Errorf("%+v", b)
	}
	if len(f.Warnings) != 0 || f.Paused {
		t.Errorf("%+v", f)
	}
	if f := parse(t, "paused: true\nprobes: []"); !f.Paused || len(f.Probes) != 0 {
		t.Errorf("%+v", f)
	}
}

const right = "name: p, url: \"http://h\", dialect: openai-chat, model: m"

func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"an empty file":             {"", "f:1: the file is empty; begin with probes:"},
		"no probes":                 {"paused: true", "f:1: probes: there are none; list them"},
		"probes that are no list":   {"probes: {}", "f:1: probes: a mapping is no list; begin each probe with - name:"},
		"no YAML":                   {"probes: [", "f:1: "},
		"a second document":         {"probes: []\n---\nprobes: []", "a second document begins"},
		"a key that is misspelt":    {"probes: [{" + right + ", evry: 5s}]", "f:1: probes[0].evry: there is no such key; did you mean every?"},
		"a missing URL":             {"probes: [{name: p, dialect: openai-chat, model: m}]", "f:1: probes[0].url: it is missing; write url: https://api.openai.com"},
		"a URL with a version":      {"probes: [{name: p, url: \"https://h/v1\", dialect: openai-chat, model: m}]", "probes[0].url: headway adds /v1 by itself; write https://h"},
		"a URL without a scheme":    {"probes: [{name: p, url: h, dialect: openai-chat, model: m}]", "probes[0].url: it is no URL with http or https and a host"},
		"a dialect that is wrong":   {"probes: [{name: p, url: \"http://h\", dialect: openai-chats, model: m}]", `no canary speaks "openai-chats"; did you mean openai-chat?`},
		"a way that is wrong":       {"probes: [{" + right + ", via: sidecr}]", `"sidecr" is none of sidecar, direct, both; did you mean sidecar?`},
		"a shape that is wrong":     {"probes: [{" + right + ", shape: balancd}]", `"balancd" is no shape; did you mean balanced?`},
		"half a shape":              {"probes: [{" + right + ", shape: {input_tokens: 100}}]", "shape.output_tokens: it is missing"},
		"a prompt that is short":    {"probes: [{" + right + ", shape: {input_tokens: 10, output_tokens: 5}}]", "10 input tokens are not within 64 and 2000000"},
		"no unit":                   {"probes: [{" + right + ", every: 30}]", "every: 30 has no unit; write 30ms or 30s"},
		"an interval that is short": {"probes: [{" + right + ", every: 30ms}]", "every: 30ms is less than 1s; write 30s"},
		"too much jitter":           {"probes: [{" + right + ", jitter: 80%}]", `jitter: "80%" is no share from 0 to 50%; write 20%`},
		"a key itself":              {"probes: [{" + right + ", auth: {env: sk-s3cret}}]", "write the name of the variable that has the key, not the key"},
		"auth without a place":      {"probes: [{" + right + ", auth: {}}]", "one of env and file is needed"},
		"a budget of nothing":       {"probes: [{" + right + ", budget: {tokens_per_day: 0}}]", "no canary would be sent"},
		"money without a price":     {"probes: [{" + right + ", budget: {money_per_day: 1}}]", "money_per_day needs to know what tokens cost; add price:"},
		"a name that comes twice":   {"probes: [{" + right + "}, {" + right + "}]", `probes[1].name: "p" is the name of another probe, in line 1`},
		"a cell that is not named":  {"probes: [{" + right + ", shape: cell}]", "cell needs to know which cell"},
		"a wish nobody has":         {"probes: [{name: p, url: \"http://h\", dialect: cohere-chat, model: m, ignore_eos: true}]", "ignore_eos: cohere-chat has no such wish; leave it out"},
		"a body that is a word":     {"probes: [{" + right + ", body: low}]", `body: "low" is no mapping`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := probefile.Parse("f", strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it shows the key: %v", err)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := probefile.Parse("f", strings.NewReader("probes:\n  - name: a\n    evry: 1\n  - nam: b\n    via: x\n"))
	if err == nil || len(strings.Split(err.Error(), "\n")) < 9 {
		t.Errorf("%v", err)
	}
}

// The budget of a probe would be spent before the day is over.
func TestABudgetThatCannotLastIsWarnedOf(t *testing.T) {
	f := parse(t, "probes: [{"+right+", budget: {tokens_per_day: 720000}}]") // needs 2880000
	if len(f.Warnings) != 1 || f.Warnings[0].Error() != "f:1: probes[0].budget: a day needs 2880000 tokens, so the budget is spent after 6h0m0s; write every: 2m0s" {
		t.Errorf("%v", f.Warnings)
	}
}

func TestProbesOfACell(t *testing.T) {
	b := &baseline.Baseline{Cells: []baseline.Cell{{ID: "m-512-128-c8", InputTokens: baseline.Length{Mean: 511.6}, OutputTokens: baseline.Length{Mean: 128}}}}
	f := parse(t, "probes: [{"+right+", shape: cell, baseline: m-512-128-c8}]")
	if err := f.Fit(b); err != nil || f.Probes[0].Shape != (probe.Shape{Input: 512, Output: 128}) {
		t.Errorf("%v, %+v", err, f.Probes)
	}
	f = parse(t, "probes: [{"+right+", shape: cell, baseline: m-512-128-c9}]")
	if err := f.Fit(b); err == nil || err.Error() != `f:1: probes[0].baseline: the baseline has no cell "m-512-128-c9"; did you mean m-512-128-c8?` {
		t.Errorf("%v", err)
	}
	if err := f.Fit(nil); err == nil || !strings.Contains(err.Error(), "need a baseline") {
		t.Errorf("%v", err)
	}
	f = parse(t, "probes: [{"+right+", baseline: auto}]")
	if err := f.Fit(b); err != nil || len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Error(), "f:1: probes[0].baseline: the baseline has no cell of the model") {
		t.Errorf("a baseline of another model: %v, %v", f.Warnings, err)
	}
	f = parse(t, "probes: [{"+right+", baseline: m-512-128-c9}]")
	if err := f.Fit(nil); err != nil {
		t.Errorf("without a baseline: %v", err)
	}
}

func TestAProbeNeedsARoute(t *testing.T) {
	f := parse(t, "probes: [{"+right+"}, {name: q, url: \"http://other\", dialect: openai-chat, model: m, via: direct}]")
	if err := f.Reach(func(string) bool { return false }); err == nil || strings.Count(err.Error(), "\n") != 0 || !strings.Contains(err.Error(), "no route of the sidecar leads to http://h; write via: direct") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("probes: [{" + right + "}]")
	f.Add("defaults: &a {every: 1s}\nprobes:\n- <<: *a\n  name: b")
	f.Fuzz(func(_ *testing.T, text string) {
		file, err := probefile.Parse("f", strings.NewReader(text))
		if err == nil {
			_ = file.Fit(nil)
			_ = file.Reach(func(string) bool { return false })
		}
	})
}
