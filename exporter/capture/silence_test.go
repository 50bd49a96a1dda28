package capture_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// A line has each silence of its stream, and none where there was none.
func TestLineHasSilences(t *testing.T) {
	line, err := json.Marshal(capture.NewLine(exchangetest.Silent()))
	if err != nil {
		t.Fatal(err)
	}
	const want = `"silences":[{"phase":"mid_stream","at_s":0.271,"wait_s":40,"ended":"cut"}]`
	if !bytes.Contains(line, []byte(want)) {
		t.Errorf("no %s in %s", want, line)
	}
	for got, err := range capture.Read(bytes.NewReader(line)) {
		if err != nil || len(got.Silences) != 1 || got.Silences[0].Wait != 40 {
			t.Errorf("read again it has %+v, %v", got.Silences, err)
		}
	}
	if l := capture.NewLine(exchangetest.Stream(4)); l.Silences != nil {
		t.Errorf("a stream that flowed has %+v", l.Silences)
	}
}
