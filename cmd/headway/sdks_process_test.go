package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestHeadwayReadsTheRequestsOfTheSDKsAsTheDocsSay sends the request of each row of
// docs/sdks.md, and compares the dialect of its capture line with that of the row.
func TestHeadwayReadsTheRequestsOfTheSDKsAsTheDocsSay(t *testing.T) {
	page, err := os.ReadFile("../../docs/sdks.md")
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`)
	}))
	defer upstream.Close()
	sidecar := self(t).StartSidecar(t, upstream.URL)
	var clients, want []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if len(cells) != 6 {
			continue
		}
		path, ok := strings.CutPrefix(strings.Trim(cells[3], "`"), "POST ")
		if !ok {
			continue
		}
		clients = append(clients, cells[0])
		want = append(want, strings.Trim(strings.Trim(cells[4], "`"), "–"))
		response, err := http.Post(sidecar.URL+path, "application/json", strings.NewReader(`{"model":"m"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if len(clients) < 20 {
		t.Fatalf("%d clients", len(clients))
	}
	sidecar.Process.Stop(t)
	text, err := os.ReadFile(sidecar.Capture)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Start   time.Time
		Dialect string
	}
	got := interop.DecodeLines[line](t, text)
	slices.SortFunc(got, func(a, b line) int { return a.Start.Compare(b.Start) })
	if len(got) != len(clients) {
		t.Fatalf("%d lines of %d", len(got), len(clients))
	}
	for i, client := range clients {
		if got[i].Dialect != want[i] {
			t.Errorf("%s: headway reads it as %q, the page says %q", client, got[i].Dialect, want[i])
		}
	}
}
