package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jtl is a result of JMeter, which knows neither model nor lengths.
const jtl = "timeStamp,elapsed,label,success,allThreads,Latency\n1000,1000,chat,true,2,5\n2000,1200,chat,true,2,5\n"

// baselineCommand runs headway baseline and returns its exit code and output.
func baselineCommand(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = dispatch(context.Background(), append([]string{"baseline"}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// told are the flags that jtl needs.
func told(args ...string) []string {
	return append([]string{"import", "--model", "small", "--input-tokens", "256", "--output-tokens", "64"}, args...)
}

func TestBaselineImportShowAndCompare(t *testing.T) {
	result := written(t, "results.jtl", jtl)
	file := filepath.Join(t.TempDir(), "baseline.json")
	for _, args := range [][]string{told("--out", file, result), told("--out", file, "jmeter", result)} {
		if code, _, errs := baselineCommand(t, args...); code != exitOK || !strings.Contains(errs, "cells: 1, in "+file) {
			t.Fatalf("%v: exit code %d: %s", args, code, errs)
		}
	}
	code, table, errs := baselineCommand(t, "show", file)
	if code != exitOK || !strings.Contains(table, "small/in256/out64/c2") || !strings.Contains(table, "! ttfb_not_ttft") {
		t.Errorf("exit code %d: %s%s", code, table, errs)
	}
	_, document, _ := baselineCommand(t, "show", "--output", "json", file)
	if text, err := os.ReadFile(file); err != nil || document != string(text) {
		t.Errorf("%v: show --output json gives\n%s", err, document)
	}
	if code, out, errs := baselineCommand(t, "compare", file, file, "--fail-on", "slower:10%"); code != exitOK || !strings.Contains(out, "e2e p50") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

func TestABaselineThatGotSlowerEndsWithOne(t *testing.T) {
	table := func(ttft string) string {
		return "model,input_tokens,output_tokens,concurrency,requests,ttft_p25_ms,ttft_p50_ms,ttft_p75_ms\nsmall,256,64,4,2000," + ttft + "\n"
	}
	var files []string
	for _, ttft := range []string{"90,100,110", "190,200,210"} {
		file := filepath.Join(t.TempDir(), "baseline.json")
		if code, _, errs := baselineCommand(t, "import", "--out", file, written(t, "table.csv", table(ttft))); code != exitOK {
			t.Fatal(errs)
		}
		files = append(files, file)
	}
	code, out, errs := baselineCommand(t, "compare", "--output", "junit", "--fail-on", "slower:50%", files[0], files[1])
	if code != exitFailed || !strings.Contains(out, `failures="1"`) || !strings.Contains(errs, "slower by 50 % or more, ttft of small/in256/out64/c4 first (ratio 2.00)") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if code, _, _ := baselineCommand(t, "compare", "--fail-on", "slower:50%", files[1], files[0]); code != exitOK {
		t.Errorf("a faster one ends with %d", code)
	}
}

func TestAResultThatCannotBeReadWritesNothing(t *testing.T) {
	file := written(t, "baseline.json", "as it was")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"what the file lacks", []string{"import", "--out", file, written(t, "r.jtl", jtl)}, "r.jtl, line 1, model: the file does not say; want --model"},
		{"no number", told("--out", file, written(t, "r.jtl", jtl+"3000,fast,chat,true,2,5\n")), `r.jtl, line 4, elapsed: "fast"; want milliseconds`},
		{"another tool", told("--out", file, "vllm", written(t, "r.jtl", jtl)), "this is a file of jmeter: results (JTL, CSV)"},
		{"no result", told("--out", file, written(t, "r.txt", "Dear reader")), "r.txt, line 1: this is no result of a tool"},
		{"no file", []string{"import"}, "which result?"},
		{"one file twice", []string{"import", file, file}, "are one file"},
		{"a negative length", []string{"import", "--input-tokens", "-1", file}, "--input-tokens -1: want a number above 0"},
		{"a metric without a name", []string{"import", "--metric", "ttft", file}, "ttft=time_to_first_token"},
		{"an unknown verb", []string{"imports"}, "import"},
		{"no verb", nil, "import, show or compare?"},
		{"a file that is no baseline", []string{"show", file}, "line 1"},
		{"two baselines to show", []string{"show", file, file}, "want one file, not 2"},
		{"limits of nothing", []string{"show", "--meets", "speed=1s", file}, `--meets "speed=1s"`},
		{"a share of more than all", []string{"show", "--at", "99", file}, "--at 99: want a share between 0 and 1"},
		{"one baseline to compare", []string{"compare", file}, "want two files, not 1"},
		{"a verdict without a share", []string{"compare", "--fail-on", "slower", file, file}, "slower:10%"},
		{"an unknown form", []string{"compare", "--output", "jnuit", file, file}, "did you mean junit?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := baselineCommand(t, tt.args...)
			if code != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d, output %q: %s; want %q", code, out, errs, tt.want)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != "as it was" {
				t.Errorf("the file is now %q, %v", text, err)
			}
		})
	}
}
