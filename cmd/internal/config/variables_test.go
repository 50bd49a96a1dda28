package config_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

var update = flag.Bool("update", false, "write the tables of docs/configuration.md anew")

func TestEveryFieldHasItsMeaningInOrder(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[config.Config]().Fields() {
		if key := field.Tag.Get("env"); key != "-" {
			fields = append(fields, config.Prefix+key)
		}
	}
	var documented []string
	for _, v := range config.Variables() {
		documented = append(documented, v.Name)
		if v.Meaning == "" || v.Group == "" || strings.HasSuffix(v.Meaning, ".") {
			t.Errorf("%+v", v)
		}
		for _, page := range v.Pages {
			if _, err := os.Stat("../../../docs/" + page); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
	if !slices.Equal(fields, documented) {
		t.Errorf("the fields are of\n%q\ndocumented are\n%q", fields, documented)
	}
}

func TestVariablesHaveTheTypesOfTheirValues(t *testing.T) {
	types := map[string]config.Type{}
	for _, v := range config.Variables() {
		types[strings.TrimPrefix(v.Name, config.Prefix)] = v.Type
	}
	for key, want := range map[string]config.Type{
		"LISTEN": config.Text, "ROLE": config.Text, "LOG_LEVEL": config.Text, "SEALED_TLS": config.Bool, "PREWARM": config.Int,
		"TRACE_RATIO": config.Number, "DRAIN_DELAY": config.Duration, "SPOOL_MAX_BYTES": config.Bytes,
	} {
		if types[key] != want {
			t.Errorf("%s is of the type %q, want %q", key, types[key], want)
		}
	}
}

// -update writes the part of the page between these lines.
const (
	tablesBegin = "<!-- The tables that follow are written by go generate, from cmd/internal/config/meanings.go. -->\n"
	tablesEnd   = "<!-- End of the tables. -->\n"
)

func TestReferenceHasEveryVariable(t *testing.T) {
	const path = "../../../docs/configuration.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the tables", path)
	}
	want := before + tablesBegin + tables() + tablesEnd + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s differs from the meanings of the variables; run with -update", path)
	}
}

// tables returns a table in Markdown for each group of variables.
func tables() string {
	var b strings.Builder
	group := ""
	for _, v := range config.Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n### %s\n\n| variable | default | meaning |\n| --- | --- | --- |\n", group)
		}
		standard := "—"
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		meaning := v.Meaning
		if len(v.Pages) > 0 {
			var links []string
			for _, page := range v.Pages {
				links = append(links, "["+page+"]("+page+")")
			}
			meaning += " (" + strings.Join(links, ", ") + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, standard, meaning)
	}
	return b.String() + "\n"
}
