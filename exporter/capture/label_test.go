package capture_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// limited is chat with limits that its request set.
func limited() exchange.Record {
	r := chat()
	r.Limits = []exchange.RequestLimit{
		{Indicator: exchange.TTFT, Limit: 200 * ms, Verdict: exchange.LimitMissed},
		{Indicator: exchange.TPOT, Limit: 49500 * time.Microsecond, Verdict: exchange.LimitKept},
	}
	return r
}

func TestWriterNamesTheLabelsOfExchangesAndChains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	w := newWriter(t, capture.Config{Path: path, Labels: []string{"tenant", "team"}})
	acme, nobody, chain := limited(), chat(), recovered()
	acme.Labels, nobody.Labels, chain.Last.Labels = []string{"acme é", "search"}, []string{"", ""}, []string{"acme", ""}
	w.Observe(acme)
	w.Observe(nobody)
	w.ObserveChain(chain)
	closeWriter(t, w)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []capture.Line
	for line, err := range capture.Read(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	if want := map[string]string{"tenant": "acme é", "team": "search"}; !maps.Equal(lines[0].Labels, want) {
		t.Errorf("labels %v, want %v", lines[0].Labels, want)
	}
	if want := map[string]capture.RequestLimit{"ttft": {Limit: .2, Verdict: "missed"}, "tpot": {Limit: .0495, Verdict: "kept"}}; !maps.Equal(lines[0].Limits, want) {
		t.Errorf("limits %v, want %v", lines[0].Limits, want)
	}
	if lines[1].Labels != nil || lines[1].Limits != nil {
		t.Errorf("a request without labels and limits has %v and %v", lines[1].Labels, lines[1].Limits)
	}
	if want := map[string]string{"tenant": "acme"}; !maps.Equal(lines[2].Call.Labels, want) {
		t.Errorf("labels of the chain %v, want %v", lines[2].Call.Labels, want)
	}
}
