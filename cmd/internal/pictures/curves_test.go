package pictures_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/pictures"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// sweep is the curve of a model from rows of concurrency, output tokens a second and TTFT.
func sweep(t *testing.T, model string, rows ...[3]float64) baseline.Curve {
	t.Helper()
	var w baseline.Workload
	for _, row := range rows {
		ttft := baseline.Indicator{}
		ttft.Quantiles.Set(.5, row[2])
		ttft.Quantiles.Set(.99, 2*row[2])
		c := baseline.Cell{
			Model: model, InputTokens: baseline.Length{Mean: 1024}, OutputTokens: baseline.Length{Mean: 128}, Source: baseline.Source{Tool: "vllm"},
			Load: baseline.Load{Kind: baseline.Concurrency, Value: row[0]}, Requests: baseline.Requests{OK: 1000},
			Throughput: baseline.Throughput{OutputTokens: new(row[1])}, Indicators: map[baseline.Name]baseline.Indicator{baseline.TTFT: ttft},
		}
		c.ID = c.Name()
		w.Cells = append(w.Cells, c)
	}
	c, drawn := w.Curve()
	if !drawn {
		t.Fatal("no curve")
	}
	return c
}

// bent has its knee at 16.
func bent(t *testing.T, model string) baseline.Curve {
	return sweep(t, model, [3]float64{1, 70, .05}, [3]float64{4, 270, .06}, [3]float64{16, 900, .09}, [3]float64{64, 1000, .6}, [3]float64{128, 1020, 1.4})
}

// names returns the texts of a picture by their class, after checking that it is XML.
func names(t *testing.T, svg string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	class := ""
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			class = ""
			if token.Name.Local == "text" {
				class = token.Attr[len(token.Attr)-1].Value
			}
		case xml.CharData:
			if class != "" {
				out[class] = append(out[class], string(token))
			}
		case xml.EndElement:
			class = ""
		}
	}
}

func TestCurvesNameTheKneeAndTheHighestLoadWithinLimits(t *testing.T) {
	limits := func(bound float64) baseline.Limits {
		return baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: bound}}
	}
	for _, tt := range []struct {
		name    string
		limits  baseline.Limits
		strong  []string
		squares int
	}{
		{"no limits", baseline.Limits{At: .99}, []string{"16 · knee"}, 0},
		{"the knee keeps them", limits(.2), []string{"16 · knee · highest within limits"}, 2},
		{"a load below the knee", limits(.15), []string{"4 · highest within limits", "16 · knee"}, 3},
		{"no load keeps them", limits(.01), []string{"16 · knee"}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svg := pictures.Curves([]baseline.Curve{bent(t, "small")}, tt.limits)
			strong := names(t, svg)["strong"]
			if fmt.Sprint(strong[1:]) != fmt.Sprint(tt.strong) {
				t.Errorf("%q, want %q", strong[1:], tt.strong)
			}
			if n := strings.Count(svg, `class="bad"`); n != tt.squares {
				t.Errorf("%d squares, want %d", n, tt.squares)
			}
		})
	}
}

func TestCurvesSayWhenNobodyKnowsOfALoad(t *testing.T) {
	svg := pictures.Curves([]baseline.Curve{bent(t, "small")}, baseline.Limits{At: .95, Bounds: map[baseline.Name]float64{baseline.TTFT: 1}})
	if !strings.Contains(svg, "ttft 1000 ms. Of a grey dot nobody knows") || strings.Count(svg, `class="other"`) != 5 {
		t.Error(svg)
	}
}

func TestCurvesHaveAPanelEachAndAxesWithUnits(t *testing.T) {
	curves := []baseline.Curve{bent(t, "small"), bent(t, "large"), sweep(t, "slow", [3]float64{1, .004, 9}, [3]float64{2, .007, 31})}
	svg := pictures.Curves(curves, baseline.Limits{At: .99})
	all := names(t, svg)
	for _, want := range []string{"median TTFT, ms", "median TTFT, s", "output tokens/s", "1200", "1500", "0.008", "40"} {
		if !strings.Contains(fmt.Sprintf("%q", all["small"]), fmt.Sprintf("%q", want)) {
			t.Errorf("no %q among %q", want, all["small"])
		}
	}
	for i, want := range []string{"small, 1024 tokens in, 128 out (vllm)", "16 · knee", "large, 1024 tokens in, 128 out (vllm)", "16 · knee", "slow, 1024 tokens in, 128 out (vllm)"} {
		if all["strong"][i] != want {
			t.Errorf("%q, want %q", all["strong"], want)
		}
	}
	if again := pictures.Curves(curves, baseline.Limits{At: .99}); again != svg {
		t.Error("the same curves give other bytes")
	}
	for _, want := range []string{"<desc>small, 1024 tokens in, 128 out (vllm), median TTFT over output tokens/s: 1 in flight: 50 ms at 70 output tokens/s;", "16 in flight · knee: 90 ms", "prefers-color-scheme: dark"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, not := range []string{"<script", "href", "url(", "@import", "NaN", "Inf"} {
		if strings.Contains(svg, not) {
			t.Errorf("the picture has %q", not)
		}
	}
}

func TestCurvesOfOddCellsAreStillPictures(t *testing.T) {
	for name, curve := range map[string]baseline.Curve{
		"a name with markup and control characters": bent(t, "<b>&\x00\x1b[31m\xff\ufffe"),
		"a long name":           bent(t, strings.Repeat("long", 100)),
		"nothing but zeros":     sweep(t, "zero", [3]float64{1, 0, 0}, [3]float64{2, 0, 0}, [3]float64{4, 0, 0}),
		"tiny numbers":          sweep(t, "tiny", [3]float64{1, 1e-9, 1e-9}, [3]float64{2, 2e-9, 1e-9}),
		"huge numbers":          sweep(t, "huge", [3]float64{1, 1e15, 1e9}, [3]float64{2, 2e15, 1e12}),
		"one place for all":     sweep(t, "same", [3]float64{1, 100, .1}, [3]float64{2, 100, .1}, [3]float64{4, 100, .1}),
		"a knee on the ceiling": sweep(t, "up", [3]float64{1, 1000, 1e-6}, [3]float64{2, 1, 1}, [3]float64{4, 1, 1}),
	} {
		t.Run(name, func(t *testing.T) {
			svg := pictures.Curves([]baseline.Curve{curve}, baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: .1}})
			for _, text := range names(t, svg)["strong"] {
				if len([]rune(text)) > 100 {
					t.Errorf("a long text: %s", text)
				}
			}
			for _, not := range []string{"NaN", "Inf", "e+", "<b>"} {
				if strings.Contains(svg, not) {
					t.Errorf("the picture has %q:\n%s", not, svg)
				}
			}
		})
	}
}
