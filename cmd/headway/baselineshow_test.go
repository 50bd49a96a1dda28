package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// published imports a table of testdata/table and returns the baseline.
func published(t *testing.T, name string) string {
	t.Helper()
	return imported(t, filepath.Join("testdata/table", name))
}

// imported imports a result and returns the baseline.
func imported(t *testing.T, result string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "baseline.json")
	if code, _, errs := baselineCommand(t, "import", "--out", file, result); code != exitOK {
		t.Fatal(errs)
	}
	return file
}

// shown runs headway baseline show and returns what it prints.
func shown(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := baselineCommand(t, append([]string{"show"}, args...)...)
	if code != exitOK || errs != "" {
		t.Fatalf("%v: exit code %d: %s", args, code, errs)
	}
	return out
}

func TestAPublishedTableIsShownDrawnAndCompared(t *testing.T) {
	before, after := published(t, "before.csv"), published(t, "after.csv")
	limits := []string{"--meets", "ttft=8s,itl=20ms", "--at", "0.5"}
	golden.Check(t, "testdata/table/show.golden", shown(t, append(limits, before, "--users", usersExample)...))
	golden.Check(t, "testdata/table/curves.svg", shown(t, append(limits, before, "--output", "svg")...))
	code, comparison, errs := baselineCommand(t, "compare", before, after)
	if code != exitOK {
		t.Fatal(errs)
	}
	golden.Check(t, "testdata/table/compare.golden", comparison)
}

// reading is a table of cells with one model, 1000 tokens in and 100 out, from rows of
// concurrency, requests, failed, requests a second, and TTFT p50 and p99.
func reading(t *testing.T, rows ...string) string {
	t.Helper()
	const header = "model,input_tokens,output_tokens,concurrency,requests,failed,requests_per_s,ttft_p50_ms,ttft_p99_ms"
	return imported(t, written(t, "table.csv", strings.Join(append([]string{header}, rows...), "\nsmall,1000,100,")+"\n"))
}

func TestShowSaysWhichLoadKeepsTheLimits(t *testing.T) {
	rows := []string{"1,500,0,1,50,80", "4,500,0,4,55,90", "16,500,0,12,80,200", "64,500,0,14,600,900"}
	for _, tt := range []struct {
		name, meets string
		rows        []string
		want        string
	}{
		{"between two loads", "ttft=250ms", rows, "  limits: 16 in flight keeps them; 64 in flight does not: ttft p99 is 900.0 ms\n"},
		{"all loads", "ttft=1s", rows, "  limits: 64 in flight keeps them, the highest load that was tested\n"},
		{"no load", "ttft=10ms", rows, "  limits: not even the lowest load keeps them; 1 in flight does not: ttft p99 is 80.0 ms\n"},
		{"unknown", "tpot=10ms", rows, "  limits: nobody knows of 1 in flight: the baseline has no tpot p99\n"},
		{"unknown from a load on", "ttft=1s", append(rows[:2:2], "16,500,0,12,80,"), "  limits: 4 in flight keeps them; nobody knows of 16 in flight: the baseline has no ttft p99\n"},
		{"failures", "ttft=1s", append(rows[:2:2], "16,500,6,12,80,90"), "  limits: 4 in flight keeps them; 16 in flight does not: 6 of 506 requests failed\n"},
		{"too few requests for the quantile", "ttft=1s", []string{"1,99,0,1,50,80"}, "  limits: 1 in flight keeps them, the highest load that was tested (of 99 requests, too few for p99)\n"},
		{"just enough requests for it", "ttft=1s", []string{"1,100,0,1,50,80"}, "  limits: 1 in flight keeps them, the highest load that was tested\n"},
		{"one load", "ttft=1s", rows[:1], "small, 1000 tokens in, 100 out (csv)\n  limits: 1 in flight keeps them, the highest load that was tested\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out := shown(t, "--meets", tt.meets, reading(t, tt.rows...)); !strings.HasSuffix(out, tt.want) {
				t.Errorf("%s\nwant at its end %s", out, tt.want)
			}
		})
	}
}

func TestShowSaysWhetherTheLoadIsEnoughForTheUsers(t *testing.T) {
	rows := []string{"1,500,0,0.25,50,80", "4,500,0,1,55,90", "16,500,0,3,80,200"}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"enough within limits", []string{"--users", usersExample, "--meets", "ttft=100ms"}, "  users: 33.3 requests a minute are needed; 4 in flight gave 60.0, 1.80 × as many: enough\n"},
		{"not enough within limits", []string{"--users", usersExample, "--meets", "ttft=85ms"}, "  users: 33.3 requests a minute are needed; 1 in flight gave 15.0, 0.450 × as many: not enough\n"},
		{"no load counts", []string{"--users", usersExample, "--meets", "ttft=1ms"}, "  users: 33.3 requests a minute are needed; no load that was tested counts\n"},
		{"without limits the highest load counts", []string{"--users", "1000, interactions=6, hours=0.5, sessions=2, active=50%"}, "  users: 200 requests a minute are needed; 16 in flight gave 180, 0.900 × as many: not enough\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out := shown(t, append(tt.args, reading(t, rows...))...); !strings.HasSuffix(out, tt.want) {
				t.Errorf("%s\nwant at its end %s", out, tt.want)
			}
		})
	}
	file := reading(t, "1,500,0,,50,80")
	if out := shown(t, "--users", usersExample, file); !strings.HasSuffix(out, "; the baseline does not say how many there were with 1 in flight\n") {
		t.Error(out)
	}
}

func TestShowRefusesWhatMakesNoSense(t *testing.T) {
	file, out := reading(t, "1,500,0,1,50,80"), written(t, "out.svg", "as it was")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"users alone", []string{"--users", "10000"}, `--users "10000": ""; want active, sessions, interactions and hours, each once: ` + usersExample},
		{"no number of users", []string{"--users", "many,active=10%"}, `"many" is no number of people`},
		{"minus one user", []string{"--users", "-1,active=10%"}, `"-1" is no number of people`},
		{"not a number of users", []string{"--users", "NaN,active=10%"}, `"NaN" is no number of people`},
		{"a share without a percent sign", []string{"--users", "10,active=0.1,sessions=1,interactions=1,hours=1"}, `"active=0.1"; want a number above 0, and of active a percentage`},
		{"hours in percent", []string{"--users", "10,active=1%,sessions=1,interactions=1,hours=1%"}, `"hours=1%"; want a number above 0`},
		{"no hours at all", []string{"--users", "10,active=1%,sessions=1,interactions=1,hours=0"}, `"hours=0"; want a number above 0`},
		{"more active users than users", []string{"--users", "10,active=101%,sessions=1,interactions=1,hours=1"}, "want at most 100% active"},
		{"a long day", []string{"--users", "10,active=1%,sessions=1,interactions=1,hours=25"}, "24 hours"},
		{"numbers beyond sense", []string{"--users", "1e12,active=1%,sessions=1e12,interactions=1e12,hours=1"}, "1e12 requests a minute"},
		{"a word twice", []string{"--users", "10,active=1%,active=1%,sessions=1,interactions=1,hours=1"}, `"active=1%"; want active, sessions, interactions and hours, each once`},
		{"an unknown word", []string{"--users", "10,active=1%,sessions=1,requests=1,hours=1"}, `"requests=1"; want active`},
		{"a part missing", []string{"--users", "10,active=1%,sessions=1,hours=1"}, "interactions is missing"},
		{"a limit twice", []string{"--meets", "ttft=1s,ttft=2s"}, `--meets "ttft=2s": ttft has a limit already`},
		{"users in a picture", []string{"--users", usersExample, "--output", "svg"}, "--output svg has no place for the answer"},
		{"limits of the baseline itself", []string{"--meets", "ttft=1s", "--output", "json"}, "--output json is the baseline itself"},
		{"a picture of another kind", []string{"--output", "svgz"}, "did you mean svg?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, text, errs := baselineCommand(t, append([]string{"show", "--out", out, file}, tt.args...)...)
			if code != exitUsage || text != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d, output %q: %s; want %q", code, text, errs, tt.want)
			}
		})
	}
	code, _, errs := baselineCommand(t, "show", "--out", out, "--output", "svg", file)
	if code != exitFailed || !strings.Contains(errs, "no curve to draw") {
		t.Errorf("one load: exit code %d: %s", code, errs)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "as it was" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestShowNamesTheKnee(t *testing.T) {
	bent := []string{"1,500,0,1,50,80", "4,500,0,4,55,90", "16,500,0,12,80,200", "64,500,0,12.5,600,900"}
	for _, tt := range []struct {
		name, want string
		rows       []string
	}{
		{"a knee", "  knee: 16 in flight\n", bent},
		{"a knee at the lowest load", "  knee: 16 in flight, or below: no lower load was tested\n", append(bent[2:4:4], "128,500,0,12.4,1500,2000")},
		{"no knee", "64 in flight\n", append(bent[:2:2], "64,500,0,14,60,90")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out := shown(t, reading(t, tt.rows...)); !strings.HasSuffix(out, tt.want) {
				t.Errorf("%s\nwant at its end %s", out, tt.want)
			}
		})
	}
}

func TestShowWritesAFile(t *testing.T) {
	file, out := reading(t, "1,500,0,1,50,80", "4,500,0,3,60,90"), filepath.Join(t.TempDir(), "curve.svg")
	if text := shown(t, "--output", "svg", "--out", out, file); text != "" {
		t.Errorf("it printed %q too", text)
	}
	text, err := os.ReadFile(out)
	if err != nil || string(text) != shown(t, "--output", "svg", "--out", "-", file) {
		t.Errorf("%v: %s", err, text)
	}
}
