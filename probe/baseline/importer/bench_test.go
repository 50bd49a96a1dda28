package importer_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// large is a result of a size that somebody chose: a begin, rows, and an end.
type large struct {
	name, begin, row, end string
	facts                 importer.Facts // that the file lacks
}

// reader repeats the row up to a size.
func (l *large) reader(size int) io.Reader {
	rows := size / len(l.row)
	return io.MultiReader(strings.NewReader(l.begin), &repeated{text: l.row, left: rows * len(l.row)}, strings.NewReader(l.end))
}

// repeated is a text that comes again and again, up to a number of bytes.
type repeated struct {
	text string
	at   int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 && r.at == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.left -= n
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// largeResults are the forms whose files grow with the requests. Of vLLM's, the gaps
// between tokens are nearly all.
func largeResults() []large {
	header, _, _ := strings.Cut(jmeterTable, "\n")
	xml := strings.SplitAfter(jmeterTree, "\n")
	gaps := "[" + strings.TrimSuffix(strings.Repeat("0.012503389036282897,", 63), ",") + "],"
	const many = 2000
	list := func(value string) string { return strings.TrimSuffix(strings.Repeat(value+",", many), ",") }
	vllm := fmt.Sprintf(`{"model_id":"small","tokenizer_id":"x","completed":%d,"duration":900,"total_input_tokens":%d,"total_output_tokens":%d,"request_rate":"inf","max_concurrency":3,`+
		`"request_throughput":2,"mean_ttft_ms":60,"input_lens":[%s],"output_lens":[%s],"ttfts":[%s],"itls":[`, many, many*100, many*64, list("100"), list("64"), list("0.06"))
	return []large{
		{"jtl", header + "\n", jmeterLine, "", unloaded},
		{"jtl.xml", strings.Join(xml[:2], ""), jmeterElement, "</testResults>\n", unloaded},
		{"aiperf", "", strings.SplitAfter(aiperfLines, "\n")[1], "", single},
		{"k6", "", k6Lines, "", told},
		{"vegeta", "", vegetaLines, "", told},
		{"capture", "", strings.SplitAfter(captured, "\n")[0], "", importer.Facts{Concurrency: 3}},
		{"vllm", vllm, gaps, "[0.0125]]}\n", nobody},
	}
}

// jmeterLine is a row as JMeter writes it.
const jmeterLine = "1795978010991,887,chat,200,OK,callers 1-1,text,true,,15430,1798,4,4,http://127.0.0.1:8000/v1/chat/completions,50,0,35\n"

// jmeterElement is a sample as JMeter writes it.
const jmeterElement = `<httpSample t="887" it="0" lt="50" ct="34" ts="1795978010712" s="true" lb="chat" rc="200" rm="OK" tn="callers 1-1" dt="text" by="15430" sby="1798" ng="4" na="4">
  <java.net.URL>http://127.0.0.1:8000/v1/chat/completions</java.net.URL>
</httpSample>
`

// BenchmarkRows says how fast rows are read, in MB/s of one core.
func BenchmarkRows(b *testing.B) {
	const size = 64 << 20
	for _, one := range largeResults() {
		b.Run(one.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := importer.Import([]importer.File{{Name: "x", Body: one.reader(size)}}, importer.Options{Facts: one.facts}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
