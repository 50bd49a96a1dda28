package importer_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// TestATimeIsTheNearestFloat64 imports times with every number of digits: the least of
// Python's 17, of those that fit into 64 bits, and of those that lie between two numbers.
func TestATimeIsTheNearestFloat64(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0.1", "9007199254740993", "18014398509481986", "0.009007199254740993", "0.0090071992547409930", "18446744073709551615", "1844674407370955161.5", "0.1844674407370955160", "0.00000000000000000001"}
	for range 500 {
		texts = append(texts, strconv.FormatFloat(random.ExpFloat64(), 'f', -1, 64), strconv.FormatFloat(random.Float64()*1e-3, 'f', random.IntN(20)+5, 64))
	}
	for _, text := range texts {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if want == 0 {
			continue
		}
		file := `{"model_id":"small","completed":1,"duration":900,"total_input_tokens":100,"total_output_tokens":64,"request_rate":"inf","max_concurrency":3,"request_throughput":2,` +
			`"mean_ttft_ms":` + text + `,"median_ttft_ms":` + text + `}`
		b, err := importer.Import([]importer.File{{Name: "x.json", Body: strings.NewReader(file)}}, importer.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := *b.Cells[0].Indicators["ttft"].Mean; got != want/1000 {
			t.Errorf("%s: %v, want %v", text, got, want/1000)
		}
	}
}
