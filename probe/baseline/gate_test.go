package baseline_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

func condition(t *testing.T, text string) baseline.Condition {
	t.Helper()
	c, err := baseline.ParseCondition(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAConditionThatMeansNothingIsRefused(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "slower:10%"},
		{"slower", "behind slower: slower:10%"},
		{"slower:", "slower:10%"},
		{"slower:10", "slower:10%"},
		{"slower:-1%", "slower:10%"},
		{"slower:NaN%", "slower:10%"},
		{"slower:1e9%", "slower:10%"},
		{"slower 10%", "slower or faster with a percentage"},
		{"faster:100%", "faster:10%"},
		{"ttft:10%", "slower or faster with a percentage"},
		{"ttft.slower", "behind slower: ttft.slower:10%"},
		{"tokens_per_s.slower:10%", `"tokens_per_s" is no indicator; want one of [ttft`},
		{"missing:10%", "missing alone"},
		{"ttft.missing", "missing alone"},
		{"same", "missing, incomparable or unsure"},
	} {
		if _, err := baseline.ParseCondition(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %q", tt.text, err, tt.want)
		}
	}
}

func TestConditionsFailWhatTheyName(t *testing.T) {
	before := file(measured(.2, 16, 2000, 1), measured(.2, 32, 2000, 2), measured(.2, 64, 2, 3))
	after := file(measured(.3, 16, 2000, 4), measured(.2, 64, 2, 5))
	c := baseline.Compare(before, after)
	for _, tt := range []struct {
		name       string
		conditions []string
		want       string // in the error; "" is none
	}{
		{"nothing is asked", nil, ""},
		{"slower than that", []string{"slower:40%"}, "2 of 4 comparisons fail, ttft p99 of small/in1024/out128/c16 first (slower, ratio 1."},
		{"not so slow", []string{"slower:80%"}, ""},
		{"one indicator", []string{"ttft.slower:40%"}, "2 of 4 comparisons fail"},
		{"nothing is faster", []string{"faster:10%"}, ""},
		{"an indicator that no cell has", []string{"tpot.slower:10%"}, "tpot.slower:10% had nothing to judge"},
		{"a cell that is gone", []string{"missing"}, "missing in the later baseline: small/in1024/out128/c32"},
		{"too few requests", []string{"unsure"}, "2 of 4 comparisons fail, ttft of small/in1024/out128/c64 first (unsure"},
		{"all definitions agree", []string{"incomparable"}, ""},
		{"two at once", []string{"slower:40%", "missing"}, "missing in the later baseline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var conditions []baseline.Condition
			for _, text := range tt.conditions {
				conditions = append(conditions, condition(t, text))
			}
			err := c.Judge(conditions...).Err(&c)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q", err, tt.want)
			}
		})
	}
}
