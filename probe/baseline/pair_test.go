package baseline_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// sized is a cell with lengths; change makes it another one.
func sized(input, output float64, change ...func(*baseline.Cell)) baseline.Cell {
	c := measured(.2, 16, 300, uint64(input))
	c.InputTokens.Mean, c.OutputTokens.Mean = input, output
	for _, one := range change {
		one(&c)
	}
	return c
}

// from names the file of a cell, which the tests find it by.
func from(name string) func(*baseline.Cell) {
	return func(c *baseline.Cell) { c.Source.File, c.Source.Started = name, name }
}

func TestCellsPairByWorkloadAndLoad(t *testing.T) {
	rate := func(value float64, most *float64) func(*baseline.Cell) {
		return func(c *baseline.Cell) {
			c.Load = baseline.Load{Kind: baseline.Rate, Value: value, MaxConcurrency: most, Burstiness: new(1.)}
		}
	}
	for _, tt := range []struct {
		name string
		a, b baseline.Cell
		want bool
	}{
		{"the same", sized(1000, 100), sized(1000, 100), true},
		{"a prompt 5 % longer", sized(950, 100), sized(1000, 100), true},
		{"a prompt 6 % longer", sized(940, 100), sized(1000, 100), false},
		{"an answer 5 % shorter", sized(1000, 100), sized(1000, 95), true},
		{"an answer 6 % shorter", sized(1000, 100), sized(1000, 94), false},
		{"another model", sized(1000, 100), sized(1000, 100, func(c *baseline.Cell) { c.Model = "large" }), false},
		{"another load", sized(1000, 100), sized(1000, 100, func(c *baseline.Cell) { c.Load.Value = 17 }), false},
		{"a rate", sized(1000, 100), sized(1000, 100, rate(16, nil)), false},
		{"one rate", sized(1000, 100, rate(4, nil)), sized(1000, 100, rate(4, nil)), true},
		{"a cap that one tool does not tell", sized(1000, 100, rate(4, new(8.))), sized(1000, 100, rate(4, nil)), true},
		{"another cap", sized(1000, 100, rate(4, new(8.))), sized(1000, 100, rate(4, new(64.))), false},
		{"other gaps between requests", sized(1000, 100, rate(4, nil)), sized(1000, 100, rate(4, nil), func(c *baseline.Cell) { c.Load.Burstiness = new(.2) }), false},
		{"streams against none", sized(1000, 100, func(c *baseline.Cell) { c.Stream = new(true) }), sized(1000, 100, func(c *baseline.Cell) { c.Stream = new(false) }), false},
		{"another tool", sized(1000, 100), sized(1000, 100, func(c *baseline.Cell) { c.Source.Tool = "sglang" }), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := baseline.Compare(file(tt.a), file(tt.b))
			if paired := len(c.Changes) > 0; paired != tt.want || len(c.OnlyBefore) > 0 == tt.want || len(c.OnlyAfter) > 0 == tt.want {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestPartnersDoNotDependOnTheOrderOfCells(t *testing.T) {
	other := func(c *baseline.Cell) { c.Source.Tool = "sglang" }
	before := []baseline.Cell{
		sized(1000, 100, from("a")), sized(1000, 100, from("b")), sized(1020, 100, from("c")), sized(1040, 100, from("d"), other), sized(2000, 100, from("e")), sized(1000, 100, from("f")),
	}
	after := []baseline.Cell{
		sized(1039, 100, from("d2")), sized(1001, 100, from("b2")), sized(1000, 100, from("a2")), sized(1021, 100, from("c2"), other), sized(3000, 100, from("g")),
	}
	random := rand.New(rand.NewPCG(1, 1))
	first := ""
	for range 30 {
		random.Shuffle(len(before), func(i, j int) { before[i], before[j] = before[j], before[i] })
		random.Shuffle(len(after), func(i, j int) { after[i], after[j] = after[j], after[i] })
		x, y := file(slices.Clone(before)...), file(slices.Clone(after)...)
		name := func(b baseline.Baseline, id string) string {
			at := slices.IndexFunc(b.Cells, func(c baseline.Cell) bool { return c.ID == id })
			return b.Cells[at].Source.File
		}
		c := baseline.Compare(x, y)
		var pairs []string
		for _, one := range c.Changes {
			partner := one.Partner
			if partner == "" {
				partner = one.Cell
			}
			pairs = append(pairs, name(x, one.Cell)+"-"+name(y, partner))
		}
		for _, id := range c.OnlyBefore {
			pairs = append(pairs, name(x, id)+"-")
		}
		for _, id := range c.OnlyAfter {
			pairs = append(pairs, "-"+name(y, id))
		}
		got := strings.Join(slices.Compact(pairs), " ")
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("%s, and then %s", first, got)
		}
	}
	// Of the same tool first, the nearest lengths then, and then the order of their runs.
	if want := "a-a2 b-b2 c-d2 d-c2 f- e- -g"; first != want {
		t.Errorf("%s, want %s", first, want)
	}
}

func TestAPartnerOfAnotherNameIsNamed(t *testing.T) {
	c := baseline.Compare(file(sized(1000, 100)), file(sized(1020, 100)))
	var out strings.Builder
	if err := c.WriteTable(&out); err != nil || !strings.Contains(out.String(), "small/in1000/out100/c16 is held against small/in1020/out100/c16.") {
		t.Errorf("%v: %s", err, out.String())
	}
	if text, err := json.Marshal(c); err != nil || !strings.Contains(string(text), `"partner":"small/in1020/out100/c16"`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestPartnersOfTwoToolsAreNamed(t *testing.T) {
	c := baseline.Compare(file(sized(1000, 100)), file(sized(1000, 100, func(c *baseline.Cell) { c.Source.Tool = "sglang" })))
	var out strings.Builder
	if err := c.WriteTable(&out); err != nil || !strings.Contains(out.String(), "Measured by two tools, each with milliseconds of its own: small/in1000/out100/c16\n") {
		t.Errorf("%v: %s", err, out.String())
	}
}
