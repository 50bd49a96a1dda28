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
	if code, out, errs := baselineCommand(t, "compare", file, file); code != exitOK || !strings.Contains(out, "e2e") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// compared imports tables of your own, whose rows hold a load, a number of requests and
// percentiles of TTFT, and returns the names of the baselines.
func compared(t *testing.T, tables ...string) (files []string) {
	t.Helper()
	for _, rows := range tables {
		const head = "model,input_tokens,output_tokens,concurrency,requests,ttft_p25_ms,ttft_p50_ms,ttft_p75_ms"
		text := head + "\nsmall,256,64," + strings.ReplaceAll(rows, " ", "\nsmall,256,64,") + "\n"
		file := filepath.Join(t.TempDir(), "baseline.json")
		if code, _, errs := baselineCommand(t, "import", "--out", file, written(t, "table.csv", text)); code != exitOK {
			t.Fatal(errs)
		}
		files = append(files, file)
	}
	return files
}

func TestCompareEndsWithWhatAPipelineAsks(t *testing.T) {
	files := compared(t, "4,2000,90,100,110 8,2000,90,100,110", "4,2000,190,200,210", "4,2,190,200,210", "16,2000,90,100,110")
	for _, tt := range []struct {
		name          string
		before, after int
		conditions    []string
		code          int
		out, errs     string
	}{
		{"slower", 0, 1, []string{"slower:50%"}, exitFailed, "100.0", "1 of 1 comparisons fail, ttft p50 of small/in256/out64/c4 first (slower, ratio 2.00)"},
		{"slower, but not so much", 0, 1, []string{"slower:150%"}, exitOK, "slower", ""},
		{"nothing asked", 0, 1, nil, exitOK, "slower", ""},
		{"faster", 1, 0, []string{"slower:50%"}, exitOK, "faster", ""},
		{"a cell that is gone", 0, 1, []string{"slower:150%", "missing"}, exitFailed, "Only in the earlier", "missing in the later baseline: small/in256/out64/c8"},
		{"too few requests to say", 0, 2, []string{"slower:50%"}, exitFailed, "unsure", "slower:50% had nothing to judge"},
		{"no cell in common", 0, 3, nil, exitFailed, "No comparison", "no cell of one baseline has a partner"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"compare", files[tt.before], files[tt.after]}
			for _, one := range tt.conditions {
				args = append(args, "--fail-on", one)
			}
			code, out, errs := baselineCommand(t, args...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" {
				t.Errorf("exit code %d, want %d: %s%s", code, tt.code, out, errs)
			}
		})
	}
	if _, out, _ := baselineCommand(t, "compare", "--output", "junit", "--fail-on", "slower:50%", files[0], files[1]); !strings.Contains(out, `failures="1"`) {
		t.Errorf("JUnit: %s", out)
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
		{"no verb", nil, "import, show, compare or learn?"},
		{"a file that is no baseline", []string{"show", file}, "line 1"},
		{"two baselines to show", []string{"show", file, file}, "want one file, not 2"},
		{"limits of nothing", []string{"show", "--meets", "speed=1s", file}, `--meets "speed=1s"`},
		{"a share of more than all", []string{"show", "--at", "99", file}, "--at 99: want a share between 0 and 1"},
		{"no capture to learn from", []string{"learn"}, "which capture?"},
		{"no hours to learn from", []string{"learn", "--hours", "0", file}, "--hours 0: want a number above 0 and at most a year: 24"},
		{"one baseline to compare", []string{"compare", file}, "want two files, not 1"},
		{"standard input before and after", []string{"compare", "-", "-"}, `"-" and "-" are both standard input, which can be read once; name a file for one of them`},
		{"standard input by two names", []string{"compare", "/dev/stdin", "-"}, `"/dev/stdin" and "-" are both standard input`},
		{"a result from standard input twice", told("-", "-"), `"-" and "-" are both standard input`},
		{"a verdict without a share", []string{"compare", "--fail-on", "slower", file, file}, `--fail-on: "slower" cannot be read: want a colon and a percentage behind slower: slower:10%`},
		{"a condition of nothing", []string{"compare", "--fail-on", "speed.slower:10%", file, file}, `"speed" is no indicator`},
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
