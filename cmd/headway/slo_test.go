package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sloText = `slos:
  - name: chat-interactive
    match: {operation: chat, model: "gpt-4o*", stream: true}
    objective: 99
    window: 30d
    good: {ttft: 500ms, tpot: 50ms}
    alerting: {page: true, ticket: true, by: [namespace]}
`

func TestSLOCommandsExitAsTheirUsersExpect(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("slo.yaml", sloText)
	low := file("low.yaml", strings.Replace(sloText, "objective: 99", "objective: 90", 1))
	broken := file("broken.yaml", strings.Replace(sloText, "500ms", "500", 1))
	openslo := file("openslo.yaml", run(t, "slo", "convert", "--to", "openslo", good))
	foreign := file("foreign.yaml", strings.Replace(run(t, "slo", "convert", "--to", "openslo", good), "Occurrences", "Timeslices", 1))
	windows := file("windows.yaml", "window: 30d\npairs: [{severity: page, long: 1h, short: 5m, factor: 9}]\n")
	answered := file("capture.jsonl", strings.Repeat(strings.SplitAfter(captured, "\n")[0], 400))
	mixed := file("mixed.jsonl", captured)
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts of the output; "" wants no output
	}{
		{"a suggestion", []string{"slo", "suggest", answered}, 0, "- name: chat-m-streams\n", ""},
		{"a suggestion with everything chosen", []string{"slo", "suggest", "--objective", "95", "--window", "4w", "--margin", "0", "--by", "upstream", "--good", "e2e", answered, "--judge", "attempt"}, 0, "  objective: 95\n  window: 28d\n  good:\n    e2e: 2s\n  judge: attempt\n", ""},
		{"a suggestion of timeouts", []string{"slo", "suggest", answered}, 0, "# Timeouts for clients, streams: nothing, because 0 answered exchanges are too few", ""},
		{"a suggestion from too little", []string{"slo", "suggest", mixed}, 1, "", "chat, m, streams: 1 calls; an objective of 99 needs 368"},
		{"a suggestion from nothing", []string{"slo", "suggest", file("empty.jsonl", "")}, 1, "", "there is no exchange in the capture"},
		{"a suggestion from no capture", []string{"slo", "suggest"}, 2, "", "which capture?"},
		{"a suggestion with slips", []string{"slo", "suggest", answered, "--by", "modell", "--good", "tft"}, 2, "", "--by \"modell\": want some of operation, model and upstream, as in operation,model; did you mean model?\n--good \"tft\""},
		{"a suggestion with wrong numbers", []string{"slo", "suggest", answered, "--objective", "100", "--margin", "-1"}, 2, "", "--objective: 100 leaves no error budget; write less than 100: 99.9\n--margin: -1 is out of bounds"},
		{"a suggestion with a wrong window", []string{"slo", "suggest", answered, "--window", "30"}, 2, "", "--window: 30 has no unit; write 30d"},
		{"a suggestion with a long window", []string{"slo", "suggest", answered, "--window", "1y"}, 2, "", `--window: "1y" is no window`},
		{"a suggestion for a judge that does not exist", []string{"slo", "suggest", answered, "--judge", "chian"}, 2, "", `--judge: "chian" cannot be judged; did you mean chain?`},
		{"an indicator twice", []string{"slo", "suggest", answered, "--good", "ttft,ttft"}, 2, "", "--good: ttft stands there twice"},
		{"suggest -h", []string{"slo", "suggest", "-h"}, 0, "usage: headway slo suggest [flags] CAPTURE…", ""},
		{"rules", []string{"rules", "--slo", good}, 0, "groups:\n- name: headway-slo-chat-interactive\n", ""},
		{"rules of OpenSLO documents", []string{"rules", "--slo", openslo}, 0, "groups:\n- name: headway-slo-chat-interactive\n", "spec.service"},
		{"rules for the operator", []string{"rules", "--slo", good, "--format", "operator", "--name", "a", "--namespace", "b", "--label", "release=c"}, 0, "kind: PrometheusRule\nmetadata:\n  name: a\n  namespace: b\n  labels:\n    release: c\nspec:\n  groups:", ""},
		{"rules for Mimir", []string{"rules", "--slo", good, "--format", "mimir"}, 0, "namespace: headway-slo\ngroups:", ""},
		{"rules with a shorter hour", []string{"rules", "--slo", good, "--scale", "1/60"}, 0, "interval: 500ms\n", ""},
		{"rules read over a minute", []string{"rules", "--slo", good, "--resolution", "1m"}, 0, "[1m]", ""},
		{"rules about canaries", []string{"rules", "--slo", good, "--probes"}, 0, `outcome!~"ok|skipped|over_budget"`, ""},
		{"rules with other windows", []string{"rules", "--slo", low, "--windows", windows}, 0, "> 9 * 0.1", ""},
		{"rules with the windows of four weeks", []string{"rules", "--slo", good, "--windows", "28d"}, 0, "> 13.44 * 0.01", ""},
		{"rules with pages elsewhere", []string{"rules", "--slo", good, "--runbooks", "https://wiki/"}, 0, "runbook_url: https://wiki/HeadwaySLOBurnPageFast.md", ""},
		{"rules about open streams", []string{"rules", "--streams"}, 0, "groups:\n- name: headway-streams\n", ""},
		{"rules about the load test", []string{"rules", "--drift"}, 0, "groups:\n- name: headway-drift\n", ""},
		{"rules about the load test beside SLOs", []string{"rules", "--slo", good, "--drift"}, 0, "alert: HeadwayDriftOurs\n", ""},
		{"rules -h", []string{"rules", "-h"}, 0, "--resolution window ", ""},
		{"rules of an operation that does not exist", []string{"rules", "--slo", file("chta.yaml", strings.Replace(sloText, "operation: chat", "operation: chta", 1))}, 2, "", `chta.yaml:3: slos[0].match.operation: "chta" is no operation; did you mean chat?`},
		{"rules of an operation that headway does not read", []string{"rules", "--slo", file("fetched.yaml", strings.Replace(sloText, "operation: chat", "operation: fetch_response", 1))}, 0, "groups:\n", `headway rules: warning: ` + filepath.Join(dir, "fetched.yaml") + `:3: slos[0].match.operation: "fetch_response" matches nothing`},
		{"a conversion of an operation that headway does not read", []string{"slo", "convert", "--to", "headway", file("fetched.yaml", strings.Replace(sloText, "operation: chat", "operation: fetch_response", 1))}, 0, "slos:\n", `slos[0].match.operation: "fetch_response" matches nothing`},
		{"rules of nothing", []string{"rules"}, 2, "", "which SLOs? --slo FILE"},
		{"rules of a missing file", []string{"rules", "--slo", good + ".missing"}, 1, "", "no such file"},
		{"rules that cannot fire", []string{"rules", "--slo", low}, 2, "", "low.yaml:7: slos[0].alerting.page: it fires when"},
		{"rules of a broken file", []string{"rules", "--slo", broken}, 2, "", "broken.yaml:6: slos[0].good.ttft: 500 has no unit"},
		{"every problem of the flags at once", []string{"rules", "--format", "xml", "--scale", "0", "--windows", "7d", "--label", "a=b"}, 2, "", "--windows: open 7d: no such file or directory; or write 30d or 28d\n--scale \"0\": want"},
		{"a scale that leaves no scrape", []string{"rules", "--slo", good, "--scale", "1/720"}, 2, "", "a resolution of 417ms holds no two scrapes"},
		{"a name without an object", []string{"rules", "--slo", good, "--name", "x"}, 2, "", "--name has no place in --format prometheus"},
		{"to headway's own", []string{"slo", "convert", "--to", "headway", openslo}, 0, "slos:\n- name: chat-interactive\n", "spec.service"},
		{"to Sloth", []string{"slo", "convert", good, "--to", "sloth", "--service", "chat"}, 0, "service: chat\n", "Sloth knows no traffic floor"},
		{"to Pyrra", []string{"slo", "convert", "--to=pyrra", "--namespace=monitoring", good}, 0, "namespace: monitoring\n", "Pyrra knows no traffic floor"},
		{"a budgeting method that headway does not have", []string{"slo", "convert", "--to", "headway", foreign}, 2, "", `spec.budgetingMethod: "Timeslices" is not how headway counts`},
		{"another format than --from names", []string{"slo", "convert", "--from", "headway", "--to", "sloth", openslo}, 2, "", "this is an OpenSLO document"},
		{"not OpenSLO", []string{"slo", "convert", "--from", "openslo", "--to", "sloth", good}, 2, "", `apiVersion: "" is not read`},
		{"a slip in a format of rules", []string{"rules", "--slo", good, "--format", "promethus"}, 2, "", `--format "promethus": want prometheus, operator or mimir; did you mean prometheus?`},
		{"a format of rules that is near none", []string{"rules", "--slo", good, "--format", "xml"}, 2, "", "--format \"xml\": want prometheus, operator or mimir\n"},
		{"a slip in a format to convert to", []string{"slo", "convert", "--to", "slooth", good}, 2, "", `--to "slooth": want headway, openslo, sloth or pyrra; did you mean sloth?`},
		{"a slip in a format to convert from", []string{"slo", "convert", "--from", "opensl", "--to", "sloth", good}, 2, "", `--from "opensl": want headway or openslo; did you mean openslo?`},
		{"import vllm", []string{"slo", "import", "vllm", "ttft:500 tpot:50", "--model", "llama*"}, 0, "- name: vllm-goodput\n  match:\n    model: llama*\n", ""},
		{"import mlperf", []string{"slo", "import", "mlperf", "llama3.1-8b/interactive"}, 0, "    ttft: 500ms\n    tpot: 30ms\n", ""},
		{"import of nothing", []string{"slo", "import"}, 2, "", "which limits? vllm or mlperf"},
		{"import of another tool", []string{"slo", "import", "mlpref"}, 2, "", `no limits of "mlpref": want vllm or mlperf; did you mean mlperf?`},
		{"import of no benchmark", []string{"slo", "import", "mlperf"}, 2, "", "which benchmark of MLPerf? want one of llama2-70b/server, "},
		{"import of a unit", []string{"slo", "import", "vllm", "ttft:500ms"}, 2, "", `"ttft:500ms": want milliseconds without a unit: ttft:500`},
		{"import for everybody", []string{"slo", "import", "vllm", "ttft:500", "--objective", "100", "--window", "soon"}, 2, "", `--window: "soon" is no window`},
		{"import with a name that is none", []string{"slo", "import", "vllm", "ttft:500", "--name", "a b"}, 2, "", `name: "a b" is no name`},
		{"no verb", []string{"slo"}, 2, "", "write headway slo convert"},
		{"slo -h", []string{"slo", "-h"}, 0, "usage: headway slo convert --to FORMAT", ""},
		{"every problem at once", []string{"slo", "convert", "--from", "x", "--to", "y"}, 2, "", "which SLOs? want one FILE, not 0\n--from \"x\": want headway or openslo\n--to \"y\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := dispatch(context.Background(), tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, got := range []struct{ name, text, want string }{{"stdout", stdout.String(), tt.stdout}, {"stderr", stderr.String(), tt.stderr}} {
				if !strings.Contains(got.text, got.want) || (got.want == "" && got.text != "") {
					t.Errorf("%s is %q, want %q", got.name, got.text, got.want)
				}
			}
		})
	}
}

// run runs a command that must succeed, and returns its output.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := dispatch(context.Background(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

func TestConversionsRoundTrip(t *testing.T) {
	first := filepath.Join(t.TempDir(), "slo.yaml")
	if err := os.WriteFile(first, []byte(sloText), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := run(t, "slo", "convert", "--to", "headway", first)
	there := filepath.Join(t.TempDir(), "openslo.yaml")
	if err := os.WriteFile(there, []byte(run(t, "slo", "convert", "--to", "openslo", first)), 0o600); err != nil {
		t.Fatal(err)
	}
	if back := run(t, "slo", "convert", "--to", "headway", there); back != plain {
		t.Errorf("came back as\n%s\nwas\n%s", back, plain)
	}
}
