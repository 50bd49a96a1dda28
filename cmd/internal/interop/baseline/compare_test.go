//go:build interop

package baseline_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// known is what a tool wrote, with the simulator's own times of it.
type known struct {
	run
	baseline baseline.Baseline
	truth    []truth // of each cell
}

// knownRuns imports every run.
func knownRuns(t *testing.T) (out []known) {
	t.Helper()
	dir := results(t)
	for _, one := range runs() {
		folder := filepath.Join(dir, filepath.FromSlash(one.name))
		var paths []string
		for _, name := range one.files {
			found, _ := filepath.Glob(filepath.Join(folder, name))
			paths = append(paths, found...)
		}
		b, err := importer.Import(open(t, paths...), importer.Options{Facts: one.facts, Metrics: one.metrics, Row: one.row})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(folder, "truth.json"))
		if err != nil {
			t.Fatal(err)
		}
		var all truth
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		k := known{run: one, baseline: b}
		for i := range b.Cells {
			of := all
			if len(b.Cells) > 1 {
				of = all.Runs[i]
			}
			k.truth = append(k.truth, of)
		}
		out = append(out, k)
	}
	return out
}

// middle is the true median of an indicator of a cell, as that tool defines it. It is false
// where the simulator wrote none: of azure-openai-benchmark's lines it wrote no median.
func (k known) middle(id string, name baseline.Name) (float64, bool) {
	for i, c := range k.baseline.Cells {
		if of := k.truth[i].Seconds[k.against[name]]; c.ID == id && of != nil {
			return of.P50, true
		}
	}
	return 0, false
}

// TestInteropComparisonsOfToolsAgreeWithTheSimulator compares the files of all tools that
// measured the same workload under the same load. The simulator's own ratio must lie in the
// interval, or so near to it as the clients' own times explain: 5 ms of each TTFT, 2 % of
// each other time.
func TestInteropComparisonsOfToolsAgreeWithTheSimulator(t *testing.T) {
	all := knownRuns(t)
	judged, verdicts := 0, map[baseline.Verdict]int{}
	for i, a := range all {
		for _, b := range all[i+1:] {
			c := baseline.Compare(a.baseline, b.baseline)
			for _, one := range c.Changes {
				verdicts[one.Verdict]++
				partner := one.Partner
				if partner == "" {
					partner = one.Cell
				}
				x, hasX := a.middle(one.Cell, one.Indicator)
				y, hasY := b.middle(partner, one.Indicator)
				if one.Low == nil || one.Quantile > .5 || !hasX || !hasY || a.cut || b.cut {
					continue
				}
				judged++
				allowed := .04
				if one.Indicator == baseline.TTFT || one.Indicator == baseline.TTFB {
					allowed = .005/x + .005/y
				}
				if at := math.Log(y / x); at < math.Log(*one.Low)-allowed || at > math.Log(*one.High)+allowed {
					t.Errorf("%s %v, %s %v: %s %s by %s %.4f (%.4f to %.4f), and truly %.4f", a.name, a.files, b.name, b.files, one.Indicator, one.Verdict, one.Method, one.Ratio, *one.Low, *one.High, y/x)
				}
				if one.Verdict != baseline.Same {
					t.Logf("%s %v, %s %v: %s %s by %s %.4f (%.4f to %.4f), and truly %.4f", a.name, a.files, b.name, b.files, one.Indicator, one.Verdict, one.Method, one.Ratio, *one.Low, *one.High, y/x)
				}
			}
		}
	}
	t.Logf("%d ratios held against the truth; verdicts %v", judged, verdicts)
	if judged < 50 {
		t.Errorf("only %d ratios have a truth", judged)
	}
}
