package importer_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const jmeterSums = `{"chat":{"transaction":"chat","sampleCount":100,"errorCount":4,"errorPct":4.0,"meanResTime":833.5,"medianResTime":831.0,"minResTime":821.0,"maxResTime":887.0,
"pct1ResTime":838.9,"pct2ResTime":843.0,"pct3ResTime":886.6,"throughput":5.0},
"Total":{"transaction":"Total","sampleCount":100,"errorCount":4,"meanResTime":833.5,"medianResTime":831.0,"throughput":5.0}}`

const jmeterListener = `Label,# Samples,Average,Median,90% Line,95% Line,99% Line,Min,Max,Error %,Throughput,Received KB/sec,Std. Dev.
chat,100,833,831,838,843,886,821,887,4.00%,5.0/sec,69,9.1
TOTAL,100,833,831,838,843,886,821,887,4.00%,5.0/sec,69,9.1
`

// headless has the columns that JMeter writes by default, without their names.
var _, headless, _ = strings.Cut(jmeterTable, "\n")

func TestJMeterIsReadHoweverItIsConfigured(t *testing.T) {
	unloaded := importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}
	asked := []baseline.Flag{baseline.AskedLengths}
	rows := map[string]float64{"e2e mean": 2, "ttfb mean": .029, "ok": 2, "failed": 1, "duration": 4}
	first := []baseline.Flag{baseline.AskedLengths, baseline.FirstByteOnly}
	plain := map[string]float64{"e2e mean": 2, "ok": 2, "failed": 1}
	check(t, []reading{
		{name: "semicolons", file: "r.jtl", text: strings.ReplaceAll(strings.Replace(jmeterTable, "a, b", "a b", 1), ",", ";"), facts: unloaded, id: "small/in256/out64/c3", want: rows, flags: first},
		{name: "tabs", file: "r.jtl", text: strings.ReplaceAll(strings.Replace(jmeterTable, "a, b", "a b", 1), ",", "\t"), facts: unloaded, id: "small/in256/out64/c3", want: rows, flags: first},
		{name: "no header", file: "r.jtl", text: headless, facts: unloaded, id: "small/in256/out64/c3", want: rows, flags: first},
		{name: "no label", file: "r.jtl", text: "timeStamp,elapsed,success\n1000,1000,true\n2000,3000,true\n3000,5,false\n", facts: told, id: "small/in256/out64/c4", want: plain, flags: asked},
		{name: "a code in place of success", file: "r.jtl", text: "elapsed,label,responseCode\n1000,chat,200\n3000,chat,200\n5,chat,503\n", facts: told, id: "small/in256/out64/c4", want: plain, flags: asked},
		{name: "a 429 that the plan ignores", file: "r.jtl", text: "elapsed,label,responseCode,success\n1000,chat,200,true\n3000,chat,200,true\n5,chat,429,true\n", facts: told, id: "small/in256/out64/c4", want: plain, flags: asked},
		{
			name: "the dashboard's sums, failures in", file: "statistics.json", text: jmeterSums, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e mean": .8335, "e2e 0.5": .831, "e2e 0.9": .8389, "e2e 0.99": .8866, "e2e max": .887, "ok": 96, "failed": 4, "rate": 4.8}, flags: append(asked, baseline.FailuresIn),
		},
		{
			name: "a listener's table", file: "aggregate.csv", text: jmeterListener, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e mean": .833, "e2e 0.95": .843, "e2e stddev": .0091, "ok": 96, "failed": 4}, flags: append(asked, baseline.FailuresIn),
		},
	})
}

func TestJMeterIsRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"a row that sums samples up", "r.jtl", "elapsed,label,success,SampleCount\n1000,chat,true,5\n", told, "", []string{"line 2, SampleCount: 5; want 1"}},
		{"neither success nor code", "r.jtl", "timeStamp,elapsed\n1,2\n", told, "", []string{"line 1, success: no such column"}},
		{"two runs of CSV in one file", "r.jtl", jmeterTable + jmeterTable, told, "", []string{"r.jtl, line 6", "two runs in one file"}},
		{"two runs of XML in one file", "r.jtl", jmeterTree + jmeterTree, told, "", []string{"r.jtl, line 8: another document: two runs in one file"}},
		{"a number that is none", "r.jtl", strings.Replace(jmeterTree, `t="3000"`, `t="fast"`, 1), told, "", []string{`line 4, httpSample t: "fast"; want a number of milliseconds`}},
		{"a sample without a time", "r.jtl", strings.Replace(jmeterTree, `t="3000" `, "", 1), told, "", []string{"line 4, httpSample t: not there"}},
		{"a tag that ends nothing", "r.jtl", strings.Replace(jmeterTree, "<testResults version=\"1.2\">", "</x><testResults>", 1), told, "", []string{"want a tag that begins before it"}},
		{"sums of samples that all failed", "statistics.json", strings.ReplaceAll(jmeterSums, `"errorCount":4`, `"errorCount":100`), told, "", []string{"chat.sampleCount: 100; want 1 sample or more that succeeded"}},
		{"several labels", "statistics.json", strings.Replace(jmeterSums, `"Total":{"transaction":"Total"`, `"login":{"transaction":"login"`, 1), told, "", []string{`"chat", "login"; want --row`}},
	})
}

// XML that is cut into reads anywhere gives the same cell, with comments, sections of text
// and entities in it.
func TestXMLIsReadInAnyPieces(t *testing.T) {
	text := strings.NewReplacer(
		"<httpSample t=\"3000\"", "<!-- a > b --><httpSample t='3000'", "\"chat\" na=\"3\"/>",
		"\"chat\" rm=\"a &gt; b > c\" na=\"3\"><responseData><![CDATA[ <httpSample t=\"9\"/> ]]></responseData></httpSample>", `"chat"`, `"c&#104;at"`).Replace(jmeterTree)
	for name, cut := range map[string]func(string) importer.File{
		"whole":       func(s string) importer.File { return importer.File{Name: "r", Body: strings.NewReader(s)} },
		"single byte": func(s string) importer.File { return importer.File{Name: "r", Body: oneByte(s)} },
		"many tags": func(s string) importer.File {
			s = strings.Replace(s, "<httpSample", strings.Repeat("<sample t='1' s='false' lb=\"other\"/>\n", 20_000)+"<httpSample", 1)
			return importer.File{Name: "r", Body: iotest.HalfReader(strings.NewReader(s))}
		},
	} {
		b, err := importer.Import([]importer.File{cut(text)}, importer.Options{Facts: importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}, Row: "chat"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if mean, _ := figure(&b.Cells[0], "e2e mean"); b.Cells[0].ID != "small/in256/out64/c3" || b.Cells[0].Requests.OK != 2 || mean != 2 {
			t.Errorf("%s: %s, %+v, mean %v", name, b.Cells[0].ID, b.Cells[0].Requests, mean)
		}
	}
}

func oneByte(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) }
