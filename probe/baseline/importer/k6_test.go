package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const k6Export = `{"metrics":{"http_reqs":{"count":50,"rate":2.5},"http_req_failed":{"fails":48,"passes":2,"value":0.04},"vus":{"max":2,"value":2,"min":2},
"http_req_duration":{"p(90)":834.0,"p(95)":849.5,"avg":825.4,"min":816.2,"med":822.2,"max":861.2},
"http_req_duration{expected_response:true}":{"p(90)":840.0,"p(95)":850.0,"avg":830.0,"min":816.2,"med":825.0,"max":861.2},
"http_req_waiting":{"p(90)":0.6,"avg":1.0,"min":0.2,"med":0.3,"max":17.7},"llm_first_second":{"avg":0.06,"med":0.061,"p(99)":0.097},"ttft":{"avg":62,"med":61}},
"root_group":{"name":"","groups":{},"checks":{}}}`

const k6Handle = `{"root_group":{"name":""},"setup_data":{"token":"SECRET"},"options":{},"state":{"testRunDurationMs":20000},"metrics":{
"http_reqs":{"type":"counter","values":{"count":97,"rate":4.67}},"http_req_failed":{"type":"rate","values":{"rate":0,"passes":0,"fails":97}},
"vus":{"values":{"max":4}},"http_req_duration":{"type":"trend","values":{"count":97,"avg":833.0,"min":818.7,"med":831.1,"max":861.6,"p(90)":839.2,"p(99)":861.3}}}}`

const k6New = `{"version":"1.0.0","config":{"duration":20,"execution":"local","script":"SECRET"},"metadata":{"k6Version":"1.3","generatedAt":"x"},"results":{"checks":[],"metrics":[
{"name":"http_reqs","type":"counter","values":{"count":97,"rate":4.67}},{"name":"vus","values":{"max":4}},
{"name":"http_req_duration","type":"trend","contains":"time","values":{"avg":833.0,"min":818.7,"med":831.1,"max":861.6,"p(90)":839.2,"p(95)":845.0}}]}}`

const k6Lines = `{"type":"Metric","data":{"name":"http_req_duration","type":"trend"},"metric":"http_req_duration"}
{"metric":"http_req_duration","type":"Point","data":{"time":"2026-11-29T18:38:01Z","value":1000,"tags":{"expected_response":"true","status":"200","name":"x"}}}
{"type":"Point","data":{"time":"2026-11-29T18:38:04Z","value":3000,"tags":{"status":"200"}},"metric":"http_req_duration"}
{"metric":"http_req_duration","type":"Point","data":{"time":"2026-11-29T18:38:02Z","value":1,"tags":{"expected_response":"false","status":"503"}}}
{"metric":"ttft","type":"Point","data":{"time":"2026-11-29T18:38:02Z","value":60,"tags":null}}
{"metric":"x_second","type":"Point","data":{"time":"2026-11-29T18:38:02Z","value":+Inf,"tags":{}}}
{"metric":"http_req_waiting","type":"Point","data":{"time":"2026-11-29T18:38:01Z","value":2,"tags":{"status":"200"}}}
`

const k6Table = `metric_name,timestamp,metric_value,check,expected_response,status
http_reqs,1795977487,1.0,,true,200
http_req_duration,1795977481,1000.0,,true,200
http_req_duration,1795977484,3000.0,,true,200
http_req_duration,1795977482,1.0,,false,503
`

func TestK6ResultsAreRead(t *testing.T) {
	unloaded := importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}
	asked := []baseline.Flag{baseline.AskedLengths}
	rows := map[string]float64{"e2e mean": 2, "e2e count": 2, "ok": 2, "failed": 1, "duration": 4, "rate": .5}
	check(t, []reading{
		{
			name: "an exported summary: fails are those that did not fail", file: "k.json", text: k6Export, facts: unloaded, id: "small/in256/out64/c2",
			want:  map[string]float64{"e2e 0.5": .825, "e2e 0.9": .84, "ttfb 0.5": .0003, "ok": 48, "failed": 2, "rate": 2.4, "duration": 20},
			flags: []baseline.Flag{baseline.AskedLengths, baseline.FirstByteOnly, baseline.FailuresIn},
		},
		{
			name: "handleSummary", file: "k.json", text: k6Handle, facts: unloaded, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .8311, "e2e 0.99": .8613, "e2e count": 97, "ok": 97, "failed": 0, "duration": 20}, flags: asked,
		},
		{
			name: "the new summary has no count", file: "k.json", text: k6New, facts: unloaded, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .8311, "e2e 0.95": .845, "ok": 97}, flags: asked,
		},
		{
			name: "samples as JSON, with +Inf in a metric that is not ours", file: "k.json", text: k6Lines, facts: told, id: "small/in256/out64/c4",
			want: rows, flags: append(asked, baseline.FirstByteOnly),
		},
		{name: "samples as CSV", file: "k.csv", text: k6Table, facts: told, id: "small/in256/out64/c4", want: rows, flags: asked},
	})
}

func TestMetricsOfAScriptAreNamedByTheUser(t *testing.T) {
	for _, tt := range []struct {
		text, metric string
		want         float64
	}{{k6Export, "llm_first_second", .061}, {k6Export, "ttft", .061}, {k6Lines, "ttft", .06}} {
		o := importer.Options{Facts: told, Metrics: map[baseline.Name]string{baseline.TTFT: tt.metric}}
		b, err := importer.Import([]importer.File{{Name: "k.json", Body: strings.NewReader(tt.text)}}, o)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := figure(&b.Cells[0], "ttft 0.5"); got != tt.want {
			t.Errorf("%s is %v, want %v", tt.metric, got, tt.want)
		}
		o.Metrics[baseline.TTFT] = "nothing"
		if _, err := importer.Import([]importer.File{{Name: "k.json", Body: strings.NewReader(tt.text)}}, o); err == nil || !strings.Contains(err.Error(), "nothing") {
			t.Errorf("a metric that is not there: %v", err)
		}
	}
}

func TestK6ResultsAreRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"no request", "k.json", strings.Replace(k6Handle, `"count":97,"rate":4.67`, `"count":0,"rate":0`, 1), told, "", []string{"metrics.http_reqs.values.count: 0; want 1 request or more"}},
		{"every request failed", "k.json", strings.Replace(k6Handle, `"passes":0`, `"passes":97`, 1), told, "", []string{"http_req_failed.values.passes: 97"}},
		{"samples of other metrics alone", "k.json", `{"metric":"x","type":"Point","data":{"time":"2026-11-29T18:38:01Z","value":1,"tags":{}}}`, told, "", []string{"http_req_duration: no sample"}},
		{"a duration of Infinity", "k.json", strings.Replace(k6Lines, `"value":1000`, `"value":+Inf`, 1), told, "", []string{"k.json, line 2: +Inf of http_req_duration; want milliseconds"}},
		{"an average of null", "k.json", strings.Replace(k6Handle, `"avg":833.0`, `"avg":"x"`, 1), told, "", []string{`http_req_duration.values.avg: "x"; want a number`}},
	})
}
