package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestRunHelpExplainsEveryVariableWithinATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	if code := dispatch(t.Context(), []string{"run", "-h"}, &out, &errs); code != exitOK || errs.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	words := strings.Join(strings.Fields(out.String()), " ")
	for _, v := range config.Variables() {
		name := v.Name
		if v.Default != "" {
			name += " (default " + v.Default + ")"
		}
		if want := name + " " + strings.ReplaceAll(v.Meaning, "`", ""); !strings.Contains(words, want) {
			t.Errorf("it does not say: %s", want)
		}
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if n := len([]rune(line)); n > helpColumns && len(strings.Fields(line)) > 1 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestHelpBreaksLinesBetweenWords(t *testing.T) {
	got := listVariables([]config.Variable{
		{Name: "A", Default: "5s", Group: "First", Meaning: strings.TrimSpace(strings.Repeat("`ten` more ", 8)), Pages: []string{"a.md", "b.md"}},
		{Name: "B", Group: "First", Meaning: "short " + strings.Repeat("x", 90) + " end"},
		{Name: "C", Group: "Second", Meaning: "é"},
	})
	want := `
First:
  A (default 5s)
      ten more ten more ten more ten more ten more ten more ten more ten more
      (docs/a.md, docs/b.md)
  B
      short
      ` + strings.Repeat("x", 90) + `
      end

Second:
  C
      é`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
