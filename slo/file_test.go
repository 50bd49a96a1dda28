package slo_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// day is a day of an SLO's window.
const day = 24 * time.Hour

func TestParseReadsEveryKey(t *testing.T) {
	in, err := os.ReadFile("testdata/every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, warnings, err := slo.Parse("every-key.yaml", strings.NewReader(string(in)))
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v, warnings %v", err, warnings)
	}
	want := slo.Set{First: true, SLOs: []slo.SLO{
		{
			Name: "chat-interactive", Objective: 99, Window: 30 * day, Judge: slo.Attempt,
			Match: slo.Match{
				Operation: exchange.Chat, Model: "gpt-4o*", Upstream: "api.openai.com", Stream: new(true),
				Header: map[string]string{"x-team": "search-*"}, InputTokens: slo.Range{Min: 1, Max: 8000},
			},
			Good: []slo.Objective{
				{exchange.TTFT, 500 * ms}, {exchange.TTFTPerInputToken, 2 * ms}, {exchange.TTFA, 5 * time.Second}, {exchange.TPOT, 50 * ms},
				{exchange.ITLP50, 40 * ms}, {exchange.ITLP90, 90 * ms}, {exchange.ITLP99, 200 * ms},
				{exchange.Stall, 2 * time.Second}, {exchange.Silence, 15 * time.Second}, {exchange.E2E, 20 * time.Second}, {exchange.E2EPerOutputToken, 100 * ms},
			},
			Exclude: []exchange.Outcome{exchange.ClientGone}, ExcludeTypes: []exchange.ErrorType{"400", "422"},
			Alerting: slo.Alerting{
				Page: true, Ticket: true, MinRequests: 50, By: []string{"namespace"},
				Runbook: "https://example.com/runbook", Dashboard: "https://example.com/dashboard",
				Labels: map[string]string{"team": "search"}, Annotations: map[string]string{"note": "call first"},
			},
		},
		{Name: "long", Objective: 99.5, Window: 28 * day, Match: slo.Match{InputTokens: slo.Range{Min: 8001}}, Judge: slo.Chain},
		{Name: "rest", Objective: 99.9, Window: 720 * time.Hour, Alerting: slo.Alerting{Ticket: true, MinRequests: 10}},
	}}
	if got.First != want.First || len(got.SLOs) != len(want.SLOs) {
		t.Fatalf("got %+v", got)
	}
	for i := range want.SLOs {
		if !got.SLOs[i].Equal(&want.SLOs[i]) {
			t.Errorf("got %+v,\nwant %+v", got.SLOs[i], want.SLOs[i])
		}
	}
}

// entry is an SLO with one key changed, or left out when the text is empty.
func entry(key, text string) string {
	var out strings.Builder
	out.WriteString("slos:\n  - name: x\n")
	keys := map[string]string{"objective": "99", "window": "30d"}
	keys[key] = text
	for _, k := range []string{"objective", "window", "match", "good", "exclude", "judge", "alerting", key} {
		if v := keys[k]; v != "" {
			out.WriteString("    " + k + ": " + v + "\n")
			delete(keys, k)
		}
	}
	return out.String()
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"no file", "", "f:1: the file is empty; begin with slos:"},
		{"no SLOs", "slos: []", "f:1: slos: there are none; list at least one"},
		{"SLOs that are no list", "slos: {}", "f:1: slos: a mapping is no list; begin each SLO with - name:"},
		{"what is no YAML", "slos:\n\t- a", "f:2: \"\\t- a\": found character that cannot start any token; indent with spaces and quote what begins with % @ or `"},
		{"a text of any length", strings.Repeat("a", 1000), `f:1: "` + strings.Repeat("a", 80) + `…" is no mapping; write a mapping with slos, match`},
		{"a second document", "slos: []\n---\nslos: []", "f:3: a second document begins; keep all SLOs in one document, without ---"},
		{"a key that is not known", entry("objektive", "99"), "f:5: slos[0].objektive: there is no such key; did you mean objective?"},
		{
			"a key like no other", entry("zebra", "1"),
			"f:5: slos[0].zebra: there is no such key; there are name, match, objective, window, good, exclude, judge, alerting",
		},
		{"an indicator that is not known", entry("good", "{tftt: 1s}"), "f:5: slos[0].good.tftt: there is no such key; did you mean ttft?"},
		{"an error's limit", entry("good", "{error: 1s}"), "f:5: slos[0].good.error: there is no such key; leave it out: what fails is never good"},
		{"a key twice", entry("good", "{ttft: 1s, ttft: 2s}"), "f:5: slos[0].good.ttft: it stands there twice, first in line 5; keep one"},
		{"a threshold without unit", entry("good", "{ttft: 500}"), "f:5: slos[0].good.ttft: 500 has no unit; write 500ms or 500s"},
		{"a threshold of another unit", entry("good", "{ttft: 5 parsecs}"), `f:5: slos[0].good.ttft: "5 parsecs" is no duration; write a number and its unit: 500ms, 1.5s, 2m`},
		{"a threshold of nothing", entry("good", "{ttft: 0s}"), "f:5: slos[0].good.ttft: 0s can never be kept; write more than 0: 500ms"},
		{"a negative threshold", entry("good", "{e2e: -1s}"), "f:5: slos[0].good.e2e: -1s can never be kept; write more than 0: 500ms"},
		{"a threshold of days", entry("good", "{e2e: 30h}"), "f:5: slos[0].good.e2e: 30h is out of bounds; write an hour or less: 20s"},
		{"an objective of 100", entry("objective", "100"), "f:3: slos[0].objective: 100 leaves no error budget; write less than 100: 99.9"},
		{"an objective of 0", entry("objective", "0"), "f:3: slos[0].objective: 0 promises nothing; write more than 0: 99.5"},
		{"an objective as a share", entry("objective", "0.995"), "f:3: slos[0].objective: it is in percent: 0.995 would allow 99 % of requests to be bad; write 99.5"},
		{"an objective that is no number", entry("objective", "high"), `f:3: slos[0].objective: "high" is no number; write the percentage of good exchanges: 99.5`},
		{"no objective", entry("objective", ""), "f:2: slos[0].objective: there is none; write the percentage of good exchanges: 99.5"},
		{"no window", entry("window", ""), "f:2: slos[0].window: there is none; write 30d"},
		{"a window without unit", entry("window", "30"), "f:4: slos[0].window: 30 has no unit; write 30d"},
		{"a window of minutes", entry("window", "10m"), "f:4: slos[0].window: 10m is out of bounds; write something from 1h to 92d: 30d"},
		{"a window of years", entry("window", "365d"), "f:4: slos[0].window: 365d is out of bounds; write something from 1h to 92d: 30d"},
		{"an outcome that is not known", entry("exclude", "[client_gon]"), `f:5: slos[0].exclude: "client_gon" is no outcome that can be excluded; did you mean client_gone?`},
		{"an outcome like no other", entry("exclude", "[zebra]"), `f:5: slos[0].exclude: "zebra" is no outcome that can be excluded; there are client_gone, refused, http_error, stream_error, upstream_cut, timeout, connect_error, drained, and statuses from 400 to 599`},
		{"an operation that is not known", entry("match", "{operation: chta}"), `f:5: slos[0].match.operation: "chta" is no operation; did you mean chat?`},
		{"an operation in another spelling", entry("match", "{operation: Text-Completion}"), `f:5: slos[0].match.operation: "Text-Completion" is no operation; did you mean text_completion?`},
		{"an operation like no other", entry("match", "{operation: zebra}"), `f:5: slos[0].match.operation: "zebra" is no operation; there are chat, generate_content, text_completion, `},
		{"an operation as a pattern", entry("match", `{operation: "*"}`), `f:5: slos[0].match.operation: "*" is no operation; leave it out: an SLO without it is for all operations`},
		{"an event with a slip", entry("judge", "atempt"), `f:5: slos[0].judge: "atempt" cannot be judged; did you mean attempt?`},
		{"a flag with a slip", entry("match", "{stream: ture}"), `f:5: slos[0].match.stream: "ture" is neither true nor false; did you mean true?`},
		{"a flag of an alert with a slip", entry("alerting", "{page: flase}"), `f:5: slos[0].alerting.page: "flase" is neither true nor false; did you mean false?`},
		{"a key of match with a slip", entry("match", "{upstraem: x}"), "f:5: slos[0].match.upstraem: there is no such key; did you mean upstream?"},
		{"a key of match without its underscore", entry("match", "{inputtokens: ..5}"), "f:5: slos[0].match.inputtokens: there is no such key; did you mean input_tokens?"},
		{"a key of alerting with a slip", entry("alerting", "{runbok: x}"), "f:5: slos[0].alerting.runbok: there is no such key; did you mean runbook?"},
		{"first or all with a slip", "match: frist\nslos: []", `f:1: match: "frist" is neither first nor all; did you mean first?`},
		{"a threshold with a space", entry("good", "{ttft: 500 ms}"), `f:5: slos[0].good.ttft: "500 ms" is no duration; did you mean 500ms?`},
		{"a threshold with a long unit", entry("good", "{ttft: 2min}"), `f:5: slos[0].good.ttft: "2min" is no duration; did you mean 2m?`},
		{"a window with a word", entry("window", "30 days"), `f:4: slos[0].window: "30 days" is no window; did you mean 30d?`},
		{"a window with a capital", entry("window", "4W"), `f:4: slos[0].window: "4W" is no window; did you mean 4w?`},
		{"a bracket that stays open", entry("good", "{ttft: 500ms"), `f:5: "    good: {ttft: 500ms": did not find expected ',' or '}'; close every bracket: good: {ttft: 500ms}`},
		{"a quote that stays open", entry("judge", `"chain`), `f:5: "    judge: \"chain": found unexpected end of stream; close every quote: name: "chat"`},
		{"keys that do not stand below each other", "slos:\n  - name: x\n   window: 1d", `f:3: "   window: 1d": did not find expected '-' indicator; indent the keys of one SLO alike: `},
		{"a value with a colon", "slos: a: b", `f:1: "slos: a: b": mapping values are not allowed in this context; indent the keys`},
		{"a name that nothing has", "slos: *a", `f:1: "slos: *a": unknown anchor 'a' referenced; give the name to a part above it: good: &limits {ttft: 500ms}`},
		{"good outcomes excluded", entry("exclude", "[ok]"), `f:5: slos[0].exclude: "ok" is no outcome that can be excluded`},
		{"an event that is not known", entry("judge", "call"), `f:5: slos[0].judge: "call" cannot be judged; write chain, the call that the user felt, attempt or turn`},
		{"a class of no sizes", entry("match", `{input_tokens: "8000..100"}`), "f:5: slos[0].match.input_tokens: nothing is from 8000 to 100; put the smaller number first: 1001..8000"},
		{"a flag that is none", entry("match", "{stream: maybe}"), `f:5: slos[0].match.stream: "maybe" is neither true nor false; write true or false`},
		{"a runbook that is no link", entry("alerting", "{runbook: wiki}"), `f:5: slos[0].alerting.runbook: "wiki" is no link; write https://wiki.example.com/slo, say`},
		{"a label that is none", entry("alerting", "{labels: {a-b: c}}"), `f:5: slos[0].alerting.labels: "a-b" is no name of a label; use letters, digits and _, no digit first`},
		{"no name", "slos: [{objective: 99, window: 30d}]", "f:1: slos[0].name: there is none; name it by whom it serves: chat-interactive"},
		{
			"two of one name", "slos:\n- {name: a, objective: 99, window: 30d}\n- {name: a, objective: 99, window: 30d}",
			"f:3: slos[1].name: another SLO is called a, in line 2; give each its own name",
		},
		{"an alias of itself", "slos: &a [*a]", "f:1: slos[0]: a list is no mapping; write a mapping with name, match, objective, window, good, exclude, judge, alerting"},
		{"a merge of itself", "slos: [&a {name: x, <<: *a}]", "it is merged from itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := slo.Parse("f", strings.NewReader(tt.in))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) && !strings.Contains(err.Error(), ": "+tt.want) {
				t.Errorf("refused with\n%v, want\n%s", err, tt.want)
			}
		})
	}
}

func TestParseNamesAllProblemsInTheirOrder(t *testing.T) {
	_, _, err := slo.Parse("f", strings.NewReader("match: some\nslos:\n- name: a b\n  objective: 100\n  good: {ttft: 5}\n- window: 1d"))
	var problems slo.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	want := []string{"match", "slos[0].name", "slos[0].window", "slos[0].objective", "slos[0].good.ttft", "slos[1].name", "slos[1].objective"}
	for i, p := range problems {
		if i >= len(want) || p.Key != want[i] {
			t.Errorf("problem %d is %v", i, p)
		}
		if p.Right == "" || p.Line == 0 {
			t.Errorf("%v names no line, or not what would be right", p)
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d", len(problems), len(want))
	}
}

func TestParseWarns(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"of limits that only streams have", entry("good", "{e2e: 1s, tpot: 50ms}"), "f:5: slos[0].good.tpot: a response in one piece has none and passes; add stream: true to match, or limit e2e for the others"},
		{"of streams that cannot be", entry("match", "{operation: embeddings, stream: true}"), "f:5: slos[0].match.stream: true matches nothing: answers to embeddings never stream; leave stream out"},
		{
			"of an SLO behind its like", "match: first\nslos:\n- {name: a, objective: 99, window: 30d}\n- {name: b, objective: 90, window: 30d}",
			"f:4: slos[1].match: it never judges: a comes first and matches all that it matches; put it first, or narrow the other",
		},
	} {
		_, warnings, err := slo.Parse("f", strings.NewReader(tt.in))
		if err != nil || len(warnings) != 1 || warnings[0].Error() != tt.want {
			t.Errorf("%s: %v, warnings %v, want %s", tt.name, err, warnings, tt.want)
		}
	}
}

func TestAModelInAnotherNotationIsWarnedOf(t *testing.T) {
	for _, tt := range []struct{ name, model, want string }{
		{"alternatives", "gpt-4o|gpt-4.1", `"gpt-4o|gpt-4.1" matches nothing: no model has a | in its name, and only * stands for other text; write one name or gpt-4o*, and an SLO for each of several models`},
		{"a regular expression", "^gpt-4o$", "a ^ in its name"},
		{"a regular expression for anything", ".*", "a . at the beginning of its name"},
		{"an escaped point", `gpt-4\.1`, `a \ in its name`},
		{"a class", "gpt-[45]*", "a [ in its name"},
		{"braces of a shell", "{gpt-4o,gpt-4.1}", "a { in its name"},
		{"a list", "gpt-4o,gpt-4.1", "a , in its name"},
		{"a sign for one character", "gpt-4?", "a ? in its name"},
		{"a negation", "!gpt-4o", "a ! at the beginning of its name"},
		{"a blank", "gpt-4o ", "a blank at an end of its name"},
		{"a point before a *", "gpt-4.*", ""},
		{"a gateway's name", "openai/gpt-4o:free", ""},
		{"a fine-tuned model", "ft:gpt-4o-mini:acme::7p4l", ""},
		{"a model of Vertex AI", "claude-3-5-sonnet@20240620", ""},
		{"a profile of Bedrock", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", ""},
		{"a file", "/models/Llama 3.1 (8B)_Q4.gguf", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, warnings, err := slo.Parse("f", strings.NewReader(entry("match", "{model: '"+tt.model+"'}")))
			if err != nil || (tt.want == "") != (len(warnings) == 0) || tt.want != "" && !strings.Contains(warnings[0].Error(), tt.want) {
				t.Errorf("%v, warnings %v, want %q", err, warnings, tt.want)
			}
		})
	}
}

func TestParseTellsOpenSLO(t *testing.T) {
	_, _, err := slo.Parse("f", strings.NewReader("# one\n\napiVersion: openslo/v1\nkind: SLO\n"))
	if !errors.Is(err, slo.ErrOpenSLO) {
		t.Errorf("%v, want %v", err, slo.ErrOpenSLO)
	}
}

func TestParseMergesAnchors(t *testing.T) {
	set, _, err := slo.Parse("f", strings.NewReader(`
slos:
  - &base {name: a, objective: 99, window: 30d, good: &limits {e2e: 20s, stall: 1s}, match: {stream: true}}
  - {<<: *base, name: b, good: {<<: *limits, e2e: 5s}}
`))
	if err != nil {
		t.Fatal(err)
	}
	b := set.SLOs[1]
	if b.Name != "b" || b.Objective != 99 || b.Limit(exchange.E2E) != 5*time.Second || b.Limit(exchange.Stall) != time.Second {
		t.Errorf("got %+v", b)
	}
}

func TestParseTakesNoFileOfAnySize(t *testing.T) {
	_, _, err := slo.Parse("f", strings.NewReader(strings.Repeat("# a comment\n", 1<<17)))
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v, want a refusal", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("slos: [&a {name: x, <<: *a}]")
	f.Add(entry("good", "{ttft: 500ms}"))
	f.Add("slos:\n- &a\n  <<: [*a, {name: b}]\n  match: {input_tokens: 5..}")
	f.Fuzz(func(t *testing.T, in string) {
		set, _, err := slo.Parse("f", strings.NewReader(in))
		if err == nil && len(slo.Check(set)) > 0 {
			t.Errorf("a set was read that is wrong: %v", slo.Check(set))
		}
	})
}

func TestParseWindowReadsAWindowAsAFileSpellsIt(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * day, "4w": 28 * day, "720h": 30 * day} {
		if got, err := slo.ParseWindow(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"30":      "30 has no unit; write 30d",
		"30 days": `"30 days" is no window; did you mean 30d?`,
		"x":       `"x" is no window; write days, weeks or hours: 30d, 4w, 720h`,
	} {
		if _, err := slo.ParseWindow(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
