package turn_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/turn"
)

var update = flag.Bool("update", false, "write the table of docs/sessions.md anew")

const sessions = "../../docs/sessions.md"

// TestSessionsPageNamesTheMarkers holds the table of names in docs/sessions.md against
// package sdk, and the page against the evidence of the Joiner.
func TestSessionsPageNamesTheMarkers(t *testing.T) {
	const begin, end = "<!-- names of sessions -->\n", "<!-- end of names of sessions -->\n"
	document, err := os.ReadFile(sessions)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(document), begin)
	had, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no %q and %q", sessions, begin, end)
	}
	var b strings.Builder
	b.WriteString("| name | joins alone |\n| --- | --- |\n")
	for _, m := range sdk.Markers() {
		alone := "no"
		if sdk.Marking(m).Alone {
			alone = "yes"
		}
		b.WriteString("| " + sdk.Marking(m).Places + " | " + alone + " |\n")
	}
	if *update {
		if err := os.WriteFile(sessions, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		had = b.String()
	}
	if had != b.String() {
		t.Errorf("%s is stale, go test ./proxy/turn -run Sessions -update writes it:\n%s", sessions, b.String())
	}
	for _, e := range turn.Evidence() {
		if !strings.Contains(string(document), "| `"+e+"` |") {
			t.Errorf("%s does not say what %s is", sessions, e)
		}
	}
}
