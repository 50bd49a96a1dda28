package main_test

//go:generate go test -run Sizing -update .

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// TestSizingCountsTheSeriesOfAModel counts how many series /metrics gains with each
// kind of traffic of one model at one upstream, and holds docs/sizing.md to that.
func TestSizingCountsTheSeriesOfAModel(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t)
	var rows [][]string
	steps := []struct {
		what string
		make func(base string)
	}{
		{"answered streams", func(base string) { interop.Stream(t, base, "counted", 8, nil) }},
		{"and answers in one piece", func(base string) { completion(t, base, "") }},
		{"and failures with one status", func(base string) { completion(t, base, "http=503") }},
		{"and for each further status", func(base string) { completion(t, base, "http=500") }},
	}
	for i, kind := range []string{"classic", "native"} {
		sidecar := exe.StartSidecar(t, sim.URL, "HEADWAY_HISTOGRAMS="+kind)
		before := series(t, sidecar.Admin, kind)
		for n, step := range steps {
			step.make(sidecar.URL)
			after := settled(t, sidecar.Admin, kind)
			if i == 0 {
				rows = append(rows, []string{step.what})
			}
			rows[n] = append(rows[n], strconv.Itoa(after-before))
			before = after
		}
	}
	table := []string{"| a model at an upstream has | classic | native |", "| --- | ---: | ---: |"}
	for _, row := range rows {
		table = append(table, "| "+strings.Join(row, " | ")+" |")
	}
	holds(t, "../../docs/sizing.md", "series", strings.Join(table, "\n")+"\n")
}

// completion asks for an answer in one piece, with a fault of the simulator.
func completion(t *testing.T, base, fault string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions",
		strings.NewReader(`{"model":"counted","max_tokens":8,"messages":[{"role":"user","content":"Go on."}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if fault != "" {
		request.Header.Set("X-Sim-Fault", fault)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// settled waits until two scrapes, one after the other, have as many series.
func settled(t *testing.T, admin, kind string) (n int) {
	t.Helper()
	last := -1
	interop.Eventually(t, 10*time.Second, func() error {
		if n = series(t, admin, kind); n != last {
			defer func() { last = n }()
			return fmt.Errorf("%d series, then %d", last, n)
		}
		return nil
	})
	return n
}

var sample = regexp.MustCompile(`^((?:headway|gen_ai)_\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? `)

// series counts the series of /metrics that are headway's own. A native histogram is one
// series, which the text shows as some lines of the classic kind.
func series(t *testing.T, admin, kind string) int {
	t.Helper()
	text, err := interop.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := sample.FindStringSubmatch(line)
		switch {
		case m == nil:
		case kind == "native":
			all[m[1]+"{"+regexp.MustCompile(`,?le="[^"]*"`).ReplaceAllString(m[3], "")] = true
		default:
			all[m[1]+m[2]+"{"+m[3]] = true
		}
	}
	return len(all)
}

// holds fails the test unless the page has the text between the two comments that mark
// its place. With -update it writes the text there.
func holds(t *testing.T, page, mark, text string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->\n"
	document, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(document), begin)
	had, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed:
		t.Fatalf("%s has no %q and %q", page, begin, end)
	case had == text:
	case golden.Updating():
		if err := os.WriteFile(page, []byte(before+begin+text+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale, go test ./cmd/headway -run Sizing -update writes it:\n%s", page, text)
	}
}
