package importer_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// told are facts for files that lack some.
var (
	told     = importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64, Concurrency: 4}
	toldRate = importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64, Rate: 4}
)

// reading is a file that an importer reads: one cell, with figures.
type reading struct {
	name  string
	file  string
	text  string
	facts importer.Facts
	id    string
	// want has figures by "indicator figure": "ttft 0.5", "tpot mean", "itl count". Those of
	// the cell are alone: "ok", "failed", "rate", "concurrency", "duration", "good".
	want    map[string]float64
	without []baseline.Name // indicators that are not there
	flags   []baseline.Flag // without few_samples and closed_loop
}

func imported(t *testing.T, name, text string, facts importer.Facts) baseline.Baseline {
	t.Helper()
	b, err := importer.Import([]importer.File{{Name: name, Body: strings.NewReader(text)}}, importer.Options{Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func check(t *testing.T, readings []reading) {
	t.Helper()
	for _, tt := range readings {
		t.Run(tt.name, func(t *testing.T) {
			b := imported(t, tt.file, tt.text, tt.facts)
			if len(b.Cells) != 1 || b.Cells[0].ID != tt.id {
				t.Fatalf("%d cells, the first %q; want one, %q", len(b.Cells), b.Cells[0].ID, tt.id)
			}
			checkCell(t, &b.Cells[0], tt)
		})
	}
}

func checkCell(t *testing.T, c *baseline.Cell, tt reading) {
	t.Helper()
	for what, want := range tt.want {
		if got, known := figure(c, what); !known || math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Errorf("%s is %v (known: %v), want %v", what, got, known, want)
		}
	}
	for _, name := range tt.without {
		if in, there := c.Indicators[name]; there {
			t.Errorf("there is a %s: %+v", name, in)
		}
	}
	flags := slices.DeleteFunc(slices.Clone(c.Flags), func(f baseline.Flag) bool { return f == baseline.FewSamples || f == baseline.ClosedLoop })
	slices.Sort(tt.flags)
	if !slices.Equal(flags, tt.flags) {
		t.Errorf("flags %v, want %v", flags, tt.flags)
	}
}

// figure finds what the want of a reading names.
func figure(c *baseline.Cell, what string) (float64, bool) {
	number := func(v *float64) (float64, bool) {
		if v == nil {
			return 0, false
		}
		return *v, true
	}
	name, part, of := strings.Cut(what, " ")
	if !of {
		switch what {
		case "ok":
			return float64(c.Requests.OK), true
		case "failed":
			if c.Requests.Failed == nil {
				return 0, false
			}
			return float64(*c.Requests.Failed), true
		case "rate":
			return number(c.Throughput.Requests)
		case "concurrency":
			return number(c.Load.MeanConcurrency)
		case "duration":
			return number(c.Duration)
		case "good":
			if c.Goodput == nil {
				return 0, false
			}
			return c.Goodput.PerSecond, true
		}
	}
	in, there := c.Indicators[baseline.Name(name)]
	if !there {
		return 0, false
	}
	switch part {
	case "mean":
		return number(in.Mean)
	case "stddev":
		return number(in.StdDev)
	case "min":
		return number(in.Min)
	case "max":
		return number(in.Max)
	case "count":
		if in.Count == nil {
			return 0, false
		}
		return float64(*in.Count), true
	}
	var p float64
	if _, err := fmt.Sscan(part, &p); err != nil {
		return 0, false
	}
	return in.Quantiles.At(p)
}

// refusal is a file that is refused, with the words of the error.
type refusal struct {
	name, file, text string
	facts            importer.Facts
	tool             string
	want             []string
}

func checkRefusals(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			o := importer.Options{Tool: tt.tool, Facts: tt.facts}
			b, err := importer.Import([]importer.File{{Name: tt.file, Body: strings.NewReader(tt.text)}}, o)
			if err == nil || len(b.Cells) > 0 {
				t.Fatalf("it was read: %+v", b.Cells)
			}
			for _, words := range tt.want {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%v\nwant %q in it", err, words)
				}
			}
		})
	}
}

func TestAFileOfNoToolIsRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"an empty file", "x.json", " \n", told, "", []string{"x.json: the file is empty"}},
		{"prose", "x.txt", "Dear reader,\n", told, "", []string{"x.txt, line 1: this is no result of a tool", "vllm"}},
		{"an unknown tool", "x.json", "{}", told, "vlm", []string{`no tool "vlm"`}},
		{"another tool than the named one", "x.json", vllmDefault, told, "sglang", []string{"this is a file of vllm: result file (JSON); want one of sglang: result file (JSON lines), table of the console"}},
	})
}

func TestFactsFillWhatAFileLacksAndContradictNothing(t *testing.T) {
	checkRefusals(t, []refusal{
		{"a file without a model", "s.jsonl", sglangLine, importer.Facts{}, "", []string{"s.jsonl, line 1, model: the file does not say; want --model"}},
		{"another model", "v.json", vllmDefault, importer.Facts{Model: "large"}, "", []string{"model: the file says small, and --model says large"}},
		{"another length", "v.json", vllmDefault, importer.Facts{InputTokens: 7}, "", []string{"input tokens: the file says 100, and --input-tokens says 7"}},
		{"another load", "v.json", vllmDefault, importer.Facts{Concurrency: 9}, "", []string{"the file says 4 requests a second, and the command line says 9 requests in flight"}},
	})
}

func TestTwoFilesOfOneRunAreOneCell(t *testing.T) {
	b, err := importer.Import([]importer.File{
		{Name: "summary.json", Body: strings.NewReader(llmperfSum)}, {Name: "rows.json", Body: strings.NewReader(llmperfReqs)},
	}, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Cells) != 1 {
		t.Fatalf("%d cells", len(b.Cells))
	}
	for what, want := range map[string]float64{"tpot mean": .02, "ttft mean": .25, "ntpot 0.5": .05} {
		if got, _ := figure(&b.Cells[0], what); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if ttft := b.Cells[0].Indicators[baseline.TTFT]; len(ttft.Values) != 2 || len(ttft.Values) != *ttft.Count {
		t.Errorf("the summary's TTFT has the requests %v", ttft.Values)
	}
}

func TestTwoRunsThatLookAlikeStayTwoCells(t *testing.T) {
	table := strings.NewReplacer("100       ", "3         ", "2         ", "1         ", "8         ", "2         ", "25600", "300  ", "6400", "9   ", "95.78", "99.99", "89.06", "99.99").Replace(vllmConsole)
	b, err := importer.Import([]importer.File{
		{Name: "a.json", Body: strings.NewReader(vllmDetailed)}, {Name: "b.txt", Body: strings.NewReader(table)},
	}, importer.Options{Facts: importer.Facts{Model: "small"}})
	if err != nil || len(b.Cells) != 2 || b.Cells[1].ID != b.Cells[0].ID+"#2" {
		t.Errorf("%v: %d cells, %+v", err, len(b.Cells), b.Cells)
	}
}

// broken is a disk that fails after some bytes.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("the disk is on fire")
	}
	return n, err
}

func TestAFileThatCannotBeReadToItsEndIsRefused(t *testing.T) {
	for name, text := range map[string]string{"v.json": strings.Repeat(vllmDefault+"\n", 200), "r.jtl": jmeterTable + strings.Repeat("1003000,1000,chat,200,OK,c,text,true,,1,1,2,2,x,50,0,1\n", 2000)} {
		b, err := importer.Import([]importer.File{{Name: name, Body: broken{strings.NewReader(text)}}}, importer.Options{Facts: importer.Facts{Model: "small"}})
		if err == nil || len(b.Cells) > 0 || !strings.Contains(err.Error(), name+": reading it: the disk is on fire") {
			t.Errorf("%s: %d cells, %v", name, len(b.Cells), err)
		}
	}
}

func TestNothingOfAPromptIsKept(t *testing.T) {
	text := strings.Replace(vllmDetailed, `"generated_texts":["a","b","","d"]`, `"generated_texts":["SECRET","SECRET","SECRET","SECRET"],"note":"SECRET"`, 1)
	var out strings.Builder
	if err := baseline.Write(&out, imported(t, "v.json", text, importer.Facts{})); err != nil || strings.Contains(out.String(), "SECRET") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
