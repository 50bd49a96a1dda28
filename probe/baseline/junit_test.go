package baseline_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// allowed are the elements and attributes of JUnit XML that Jenkins accepts (junit-10.xsd
// of its xUnit plugin), as far as headway writes them: the parent of each element, and its
// attributes, with a ! behind those that must be there.
var allowed = map[string]struct {
	parent     string
	attributes []string
}{
	"testsuites": {"", []string{"name", "time", "tests", "failures", "errors"}},
	"testsuite":  {"testsuites", []string{"name!", "tests!", "failures!", "errors!", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"}},
	"testcase":   {"testsuite", []string{"name!", "time", "classname", "group"}},
	"failure":    {"testcase", []string{"type", "message"}},
	"skipped":    {"testcase", []string{"type", "message"}},
}

// checkJUnit holds a document against allowed, and counts its elements.
func checkJUnit(t *testing.T, text string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	path := []string{""}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return seen
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		switch one := token.(type) {
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.StartElement:
			name := one.Name.Local
			rule, known := allowed[name]
			if !known || rule.parent != path[len(path)-1] {
				t.Errorf("<%s> inside of <%s>", name, path[len(path)-1])
			}
			var has []string
			for _, a := range one.Attr {
				has = append(has, a.Name.Local)
				if !slices.Contains(rule.attributes, a.Name.Local) && !slices.Contains(rule.attributes, a.Name.Local+"!") {
					t.Errorf("<%s %s>", name, a.Name.Local)
				}
			}
			for _, a := range rule.attributes {
				if must, is := strings.CutSuffix(a, "!"); is && !slices.Contains(has, must) {
					t.Errorf("<%s> lacks %s", name, must)
				}
			}
			seen[name]++
			path = append(path, name)
		}
	}
}

// hostile are names of models that mean something to a terminal, Markdown, HTML or XML.
func hostile() []string {
	return []string{
		"a|b", "a\nb", "a\r\nb", "<img src=x onerror=alert(1)>", "a&b", `a"b'c`, "\x1b[31mred\x1b[0m", "a\x00b", "`a`", "**a**", "[a](javascript:b)", "@octocat", "a\\|b",
		"]]>", "<!--", "a\u202eb", "\ufeff", "a\tb", "#1", "~~a~~", "</code>", "http://a.b/c", "www.a.b", "_a_", "模型", "\ufffe", "|",
	}
}

func TestHostileNamesOfModelsBreakNoOutput(t *testing.T) {
	for _, model := range hostile() {
		t.Run(model, func(t *testing.T) {
			named := func(c baseline.Cell) baseline.Cell { c.Model = model; return c }
			before := file(named(measured(.2, 16, 400, 1)), named(measured(.2, 8, 300, 1)))
			after := file(named(measured(.3, 16, 400, 2)), named(measured(.2, 4, 300, 1)))
			c := baseline.Compare(before, after)
			j := c.Judge(condition(t, "slower:10%"), condition(t, "missing"))
			var table, markdown, junit strings.Builder
			if err := errors.Join(c.WriteTable(&table), c.WriteMarkdown(&markdown, j), c.WriteJUnit(&junit, j)); err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(table.String(), "\n"); lines != 7 || strings.ContainsAny(table.String(), "\x1b\x00\r\t\u202e\ufeff") {
				t.Errorf("%d lines: %q", lines, table.String())
			}
			for line := range strings.SplitSeq(markdown.String(), "\n") {
				if n := strings.Count(line, "|"); n != 0 && n != 9 {
					t.Errorf("%d fences in %q", n, line)
				}
				for _, id := range []string{"<img", "<!--", "</code></code>", "](", "`", "@", " #1", ">#1", "~~", "://", "www.", " _", ">_", "\x1b"} {
					if strings.Contains(line, id) {
						t.Errorf("%q in %q", id, line)
					}
				}
			}
			if seen := checkJUnit(t, junit.String()); seen["testcase"] != 4 || seen["failure"] != 3 || seen["skipped"] != 1 {
				t.Errorf("%v in %s", seen, junit.String())
			}
			if err := j.Err(&c); err == nil || strings.ContainsAny(err.Error(), "\x1b\x00\r") || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("%q", err)
			}
			text, err := json.Marshal(c)
			var back baseline.Comparison
			if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || back.Changes[0].Cell != before.Cells[0].ID {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
}

func TestJUnitTellsWhatNobodyCouldJudge(t *testing.T) {
	c := baseline.Compare(file(measured(.2, 16, 3, 1)), file(measured(.2, 16, 3, 2)))
	var out strings.Builder
	if err := c.WriteJUnit(&out, c.Judge(condition(t, "e2e.slower:10%"))); err != nil {
		t.Fatal(err)
	}
	if seen := checkJUnit(t, out.String()); seen["testcase"] != 3 || seen["skipped"] != 2 || seen["failure"] != 1 {
		t.Errorf("%v in %s", seen, out.String())
	}
}
