//go:build interop

package retries_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// chainsTable returns a table with a row for every call: the client's log beside
// headway's report.
func chainsTable(calls []*retryCall) string {
	var table strings.Builder
	fmt.Fprintln(&table, "| SDK | what happened | client: attempts | lasted | headway: attempts | lasted | joined by | outcome | match |")
	fmt.Fprintln(&table, "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |")
	for _, c := range calls {
		match := "yes"
		if c.compare() != "" {
			match = "**no**"
		}
		fmt.Fprintf(&table, "| %s | %s | %d | %s | %d | %s | %s | %s | %s |\n", c.SDK, c.scenario.name,
			len(c.client.Attempts), inSeconds(c.client.duration()), c.chain.attempts, inSeconds(c.chain.lasted),
			strings.Join(c.chain.joinedBy, ", "), c.chain.outcome, match)
	}
	return table.String()
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// factsTable returns a table with a row for every SDK: how it retries, as its direct
// calls show.
func factsTable(t *testing.T, calls []*retryCall) string {
	t.Helper()
	var table strings.Builder
	fmt.Fprintln(&table, "| SDK | version | tries again after | not after | waits without advice | retry-after: 1 | retry-after-ms: 300 | sends | connection |")
	fmt.Fprintln(&table, "| --- | --- | --- | --- | --- | ---: | ---: | --- | --- |")
	for _, sdk := range retrySDKs() {
		var own []*retryCall
		for _, c := range calls {
			if c.SDK == sdk.name {
				own = append(own, c)
			}
		}
		after, notAfter := retriedAfter(own)
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", sdk.name, versionOf(t, sdk), after, notAfter,
			waits(own, "500, then 503"), waits(own, "429, retry-after: 1"), waits(own, "429, retry-after-ms: 300"),
			markersOf(own), connectionsOf(own))
	}
	return table.String()
}

// retriedAfter lists the scenarios after which the client made another attempt, and
// those after which it made none.
func retriedAfter(calls []*retryCall) (after, notAfter string) {
	var did, didNot []string
	for _, c := range calls {
		if faults := c.scenario.script; len(faults.faults) > 1 || faults.forGood || strings.HasPrefix(c.scenario.name, "429, ") {
			continue
		}
		if len(c.server.saw()) > 1 {
			did = append(did, c.scenario.name)
		} else {
			didNot = append(didNot, c.scenario.name)
		}
	}
	return strings.Join(did, ", "), strings.Join(didNot, ", ")
}

// waits lists the times from the end of each attempt to the start of the next.
func waits(calls []*retryCall, scenario string) string {
	var all []string
	for _, c := range calls {
		if c.scenario.name != scenario {
			continue
		}
		saw := c.server.saw()
		for i := 1; i < len(saw); i++ {
			all = append(all, inSeconds(saw[i].Start.Sub(saw[i-1].End)))
		}
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

// markersOf lists the header fields with which the client marked the attempts of its
// calls.
func markersOf(calls []*retryCall) string {
	var names []string
	stuck := false
	for _, c := range calls {
		for i, attempt := range c.server.saw() {
			for name, value := range attempt.Markers {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
				stuck = stuck || i > 0 && name == "X-Stainless-Retry-Count" && value == "0"
			}
		}
	}
	slices.Sort(names)
	sends := strings.ToLower(strings.Join(names, ", "))
	if stuck {
		sends += " (always 0)"
	}
	if sends == "" {
		return "nothing"
	}
	return sends
}

// connectionsOf says whether an attempt after an answered one used the same connection.
func connectionsOf(calls []*retryCall) string {
	kept, changed := 0, 0
	for _, c := range calls {
		saw := c.server.saw()
		for i := 1; i < len(saw); i++ {
			if saw[i-1].Did == unanswered || saw[i-1].Did == "reset" || strings.HasPrefix(saw[i-1].Did, "200") {
				continue
			}
			if saw[i].Conn == saw[i-1].Conn {
				kept++
			} else {
				changed++
			}
		}
	}
	switch {
	case kept+changed == 0:
		return "–"
	case changed == 0:
		return "kept"
	case kept == 0:
		return "new"
	}
	return fmt.Sprintf("kept %d of %d times", kept, kept+changed)
}

// versionOf returns the version of the SDK that its driver pins.
func versionOf(t *testing.T, sdk retrySDK) string {
	t.Helper()
	list := map[string]string{"node": "node/package.json", "python": "python/retries.txt", "go": "tools/retries/go.mod"}[sdk.driver]
	text, err := os.ReadFile(interop.Driver(t, list))
	if err != nil {
		t.Fatal(err)
	}
	if sdk.driver == "node" {
		var packages struct {
			Dependencies map[string]string `json:"dependencies"`
		}
		if err := json.Unmarshal(text, &packages); err != nil {
			t.Fatal(err)
		}
		return packages.Dependencies[sdk.packaged]
	}
	found := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(sdk.packaged) + `(?:==| v)(\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s names no version of %s", list, sdk.packaged)
	}
	return string(found[1])
}

// retriesSection returns what docs/retries-clients.md says about the SDKs.
func retriesSection(facts, chains string) string {
	return `
Each SDK makes the same calls twice at the same time, directly and through headway (` + "`make interop`" + `), to servers that first fail and then answer.
It keeps its own retry settings, but for one: in the calls whose server is silent, the test sets a timeout of 2 s. The AWS SDK for Node begins with
HTTP/2 by default; to reach headway without TLS it needs an HTTP/1.1 handler. LangChain, LiteLLM and the Vercel AI SDK call OpenAI's API, and the
Vercel AI SDK the Responses.

The next table shows the direct calls as the servers saw them. With each SDK the bodies of all attempts of a call were the same, byte for byte.
No SDK sent any other field that could name a call.

` + facts + `
The last table compares the clients' logs of the calls through headway with the chains that headway reports. ` + "`match`" + ` is about every attempt, the
evidence that joined it, the times, and the outcome. A client's time ends when its application has the answer, so it includes the work of the SDK on
it. ` + "`go test -tags interop -run InteropRetries -update -long ./cmd/internal/interop/retries`" + ` writes both tables.

` + chains
}

// writeBetween puts text between the two comments that mark its place in a document. If
// the document does not have them, writeBetween adds them at the end.
func writeBetween(t *testing.T, path, mark, text string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->\n"
	document, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(document), begin)
	_, after, closed := strings.Cut(rest, end)
	switch {
	case !found:
		before += "\n"
	case !closed:
		t.Fatalf("%s: no %q after %q", path, end, begin)
	}
	if err := os.WriteFile(path, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
