package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// azureLog is a run of 180 s with 60 requests a minute, and its tail. TTFT is 0.1 s in the
// second minute, and 0.3 s in the third.
func azureLog() string {
	var out strings.Builder
	line := func(second, processing, done int, ttft float64) {
		fmt.Fprintf(&out, `{"run_seconds": %d, "timestamp": "2026-11-20 10:17:00", "rpm": 60.0, "processing": %d, "completed": %d, "failures": 3, "throttled": 3, "requests": %d, `+
			`"tpm": {"context": 15360.0, "gen": 4020.0, "total": 19380.0}, "e2e": {"avg": 2.0, "95th": 2.9}, "ttft": {"avg": %.3f, "95th": %.3f}, "tbt": {"avg": 0.021, "95th": 0.024}, `+
			`"util": {"avg": "61.0%%", "95th": "n/a"}}`+"\n", second, processing, done, done, ttft, 2*ttft)
	}
	out.WriteString(`{"run_seconds": 1, "timestamp": "x", "rpm": "n/a", "processing": 3, "completed": 0, "failures": 0, "throttled": 0, "requests": 0, "tpm": {"context": "n/a", "gen": "n/a", "total": 0}, "e2e": {"avg": "n/a", "95th": "n/a"}, "ttft": {"avg": "n/a", "95th": "n/a"}, "tbt": {"avg": "n/a", "95th": "n/a"}, "util": {"avg": "n/a", "95th": "n/a"}}` + "\n")
	for s := 2; s <= 180; s++ {
		ttft := 9. // while the first window fills
		if s > 60 {
			ttft = .1
		}
		if s > 120 {
			ttft = .3
		}
		line(s, 4, s, ttft)
	}
	line(181, 2, 183, .9)
	line(182, 1, 184, .9)
	line(182, 0, 185, .9)
	return out.String()
}

const azureStderr = "2026-11-29 18:57:55 INFO     using shape profile custom: context tokens: 256, max tokens: 64\n"

const azureHuman = `2026-11-29 18:57:57 rpm: n/a   processing: 3    completed: 0     failures: 0    throttled: 0    requests: 0     tpm: 0      ttft_avg: n/a    ttft_95th: n/a    tbt_avg: n/a    tbt_95th: n/a    e2e_avg: n/a    e2e_95th: n/a    util_avg: n/a    util_95th: n/a   
2026-11-29 18:57:58 rpm: 120.0 processing: 1    completed: 4     failures: 0    throttled: 0    requests: 4     tpm: 38760.0 ttft_avg: 0.029  ttft_95th: 0.092  tbt_avg: 0.013  tbt_95th: 0.014  e2e_avg: 0.89   e2e_95th: 0.97   util_avg: 42.5%  util_95th: 43.8% 
2026-11-29 18:57:59 rpm: 120.0 processing: 1    completed: 6     failures: 0    throttled: 0    requests: 6     tpm: 38760.0 ttft_avg: 0.02   ttft_95th: 0.082  tbt_avg: 0.013  tbt_95th: 0.014  e2e_avg: 0.877  e2e_95th: 0.959  util_avg: 43.5%  util_95th: 45.8% 
`

func TestAzureLogsAreRead(t *testing.T) {
	flags := []baseline.Flag{baseline.MeanAndP95, baseline.WindowOnly, baseline.DataLineTokens, baseline.AskedLengths}
	// The last line before the tail is 180; the one a window before is 120.
	check(t, []reading{
		{
			name: "windows that share no request, without warm-up and tail", file: "a.jsonl", text: azureLog(), facts: importer.Facts{Model: "small", OutputTokens: 64, Concurrency: 4},
			id:   "small/in256/out64/c4",
			want: map[string]float64{"ttft mean": .2, "ttft 0.95": .6, "tpot mean": .021, "e2e mean": 2, "e2e 0.95": 2.9, "ok": 177, "failed": 3, "rate": 1, "duration": 180}, flags: flags,
		},
		{
			name: "the form for people", file: "a.txt", text: azureHuman, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"ttft mean": .02, "ttft 0.95": .082, "e2e mean": .877, "ok": 6, "rate": 2, "duration": 3}, flags: flags,
		},
		{
			name: "the older form for people", file: "a.txt", facts: told, id: "small/in256/out64/c4", flags: flags,
			text: strings.NewReplacer("ttft_avg", "ttft avg", "ttft_95th", "ttft 95th", "e2e_avg", "e2e avg", "completed: ", "x: ").Replace(azureHuman),
			want: map[string]float64{"ttft mean": .02, "ttft 0.95": .082, "e2e mean": .877, "ok": 6},
		},
	})
}

func TestAzureStderrTellsTheShapeAndTheRetries(t *testing.T) {
	args := `2026-11-29 18:57:55 INFO Load test args: {"clients": 20, "rate": 120.0, "context_tokens": 500, "max_tokens": 300, "retry": "exponential"}` + "\n"
	for _, tt := range []struct {
		stderr string
		facts  importer.Facts
		id     string
		flag   bool
	}{
		{azureStderr, importer.Facts{Model: "small", Rate: 2}, "small/in256/out64/r2", false},
		{args, importer.Facts{Model: "small"}, "small/in500/out300/r2", true},
	} {
		b, err := importer.Import([]importer.File{
			{Name: "out.txt", Body: strings.NewReader(azureHuman)}, {Name: "err.txt", Body: strings.NewReader(tt.stderr)},
		}, importer.Options{Facts: tt.facts})
		if err != nil {
			t.Fatal(err)
		}
		flagged := strings.Contains(fmt.Sprint(b.Cells[0].Flags), string(baseline.RetriesIn))
		if b.Cells[0].ID != tt.id || flagged != tt.flag {
			t.Errorf("%s, flags %v; want %s", b.Cells[0].ID, b.Cells[0].Flags, tt.id)
		}
	}
}

func TestAzureLogsAreRefused(t *testing.T) {
	first := strings.SplitAfter(azureHuman, "\n")[0]
	checkRefusals(t, []refusal{
		{"nothing finished", "a.txt", first, told, "", []string{"no line of the log has a finished request"}},
		{"everything failed", "a.txt", strings.ReplaceAll(azureHuman, "failures: 0 ", "failures: 6 "), told, "", []string{"a.txt, line 3, completed: 6; want 1 request or more that succeeded"}},
		{"another text in it", "a.txt", azureHuman + "Killed\n", told, "", []string{"a.txt, line 4: this is no line of the log"}},
	})
}
