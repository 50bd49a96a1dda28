package chain_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

var update = flag.Bool("update", false, "write the tables of docs/retries.md anew")

const retries = "../../docs/retries.md"

// TestRetriesSaysHowClientsTryAgain holds the table of docs/retries.md against
// package sdk and against the Joiner, which the test asks how long it keeps a chain.
func TestRetriesSaysHowClientsTryAgain(t *testing.T) {
	const begin, end = "<!-- how each client tries again -->\n", "<!-- end of how each client tries again -->\n"
	document, err := os.ReadFile(retries)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(document), begin)
	had, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no %q and %q", retries, begin, end)
	}
	want := clientTable(t)
	if *update {
		if err := os.WriteFile(retries, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		had = want
	}
	if had != want {
		t.Errorf("%s is stale, go test ./proxy/chain -run Retries -update writes it:\n%s", retries, want)
	}
}

// clientTable is a table of all SDKs, in Markdown.
func clientTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| client | User-Agent | says of its attempts | retries | waits | obeys retry-after up to | after attempt 1, 2, … its chain is kept for |\n" +
		"| --- | --- | --- | ---: | --- | ---: | --- |\n")
	for _, c := range append(sdk.Clients(), sdk.Unknown) {
		row := sdk.Of(c)
		name, times, wait := row.Name, strconv.Itoa(row.Retries), waits(row.BackOff)
		if c == sdk.Unknown {
			name, times, wait = "any other", "–", "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n",
			name, agents(row), markers(row), times, wait, honours(row.BackOff), kept(t, c))
	}
	return b.String()
}

func agents(row *sdk.Client) string {
	var all []string
	for _, a := range row.Agents {
		text := "`" + a.Text + "…`"
		if a.Anywhere {
			text = "`…" + a.Text + "…`"
		}
		all = append(all, text)
	}
	return orNone(all)
}

func markers(row *sdk.Client) string {
	var all []string
	if row.Identifier != 0 {
		all = append(all, "`"+sdk.Identifying(row.Identifier).Name+"`")
	}
	if row.Counter != "" {
		all = append(all, "`"+row.Counter+"`")
	}
	return orNone(all)
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

// waits says how long a client waits before its first retry, and at most.
func waits(b sdk.BackOff) string {
	bounds := func(least, longest time.Duration) string {
		if least == longest {
			return seconds(longest)
		}
		return strings.TrimSuffix(seconds(least), " s") + "–" + seconds(longest)
	}
	least, longest := b.Wait(1)
	return bounds(least, longest) + ", doubling to " + bounds(b.Wait(100))
}

func honours(b sdk.BackOff) string {
	if b.Honours == 0 {
		return "any"
	}
	return seconds(b.Honours)
}

// kept says how long after each failed attempt of a client the Joiner closes its
// chain, until that changes no more.
func kept(t *testing.T, client exchange.SDK) string {
	t.Helper()
	const most = 8
	var all []time.Duration
	for attempts := 1; attempts <= most; attempts++ {
		all = append(all, keptAfter(t, client, attempts))
	}
	last := all[most-1]
	changing := slices.IndexFunc(all, func(d time.Duration) bool { return d == last })
	if changing == most-1 {
		t.Fatalf("client %d: the time still changes after %d attempts: %v", client, most, all)
	}
	var texts []string
	for _, d := range all[:changing] {
		texts = append(texts, strings.TrimSuffix(seconds(d), " s"))
	}
	return strings.Join(append(texts, seconds(last)), ", ")
}

// keptAfter has a client fail so many times, as late as its back-off lets it, and
// returns after what silence its chain is over.
func keptAfter(t *testing.T, client exchange.SDK, attempts int) (kept time.Duration) {
	t.Helper()
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		row := sdk.Of(client)
		for n := 1; n <= attempts; n++ {
			changes := []change{failed(500), from(client)}
			if row.Identifier != 0 {
				changes = append(changes, named(row.Identifier, 9))
			}
			if row.Counter != "" {
				changes = append(changes, retry(int64(n-1)))
			}
			if r := s.try(100*ms, changes...); r.Attempt.Number != n {
				t.Fatalf("attempt %d of %s is number %d", n, row.Name, r.Attempt.Number)
			}
			if n < attempts {
				_, longest := row.BackOff.Wait(n)
				time.Sleep(longest)
			}
		}
		ended := time.Since(s.began)
		time.Sleep(time.Hour)
		if n := len(s.times()); n != 1 {
			t.Fatalf("%d chains of %s are over, want 1", n, row.Name)
		}
		const grain = 100 * ms // the Joiner closes a chain so much later
		kept = s.times()[0] - ended - grain
	})
	return kept
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// TestRetriesNamesAllEvidence, the strongest first, in the table of docs/retries.md.
func TestRetriesNamesAllEvidence(t *testing.T) {
	document, err := os.ReadFile(retries)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "## What joins attempts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for line := range strings.Lines(section) {
		cell, _, row := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if !row || !strings.HasPrefix(cell, "`") || strings.HasPrefix(cell, "`joined_by`") {
			continue
		}
		for name := range strings.SplitSeq(cell, ", ") {
			if name = strings.Trim(name, "`"); len(named) == 0 || named[len(named)-1] != name {
				named = append(named, name)
			}
		}
	}
	if got, want := strings.Join(named, ", "), strings.Join(chain.Evidence(), ", "); got != want {
		t.Errorf("%s has %s\nwant %s", retries, got, want)
	}
}
