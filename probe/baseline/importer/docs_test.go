package importer_test

import (
	"os"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

func TestThePageNamesEveryToolAndFlag(t *testing.T) {
	text, err := os.ReadFile("../../../docs/baselines.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	words = append(words, importer.Tools()...)
	for _, f := range baseline.Flags() {
		words = append(words, string(f))
	}
	for _, name := range baseline.Names() {
		words = append(words, string(name))
	}
	for _, word := range words {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/baselines.md does not name `%s`", word)
		}
	}
}
