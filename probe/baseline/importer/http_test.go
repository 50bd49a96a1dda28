package importer_test

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const jmeterTable = `timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect
1000000,1000,chat,200,OK,c 1-1,text,true,,15430,1798,2,2,http://x,50,0,35
1001000,3000,chat,200,OK,c 1-2,text,true,,15432,1798,2,3,http://x,8,0,2
1002000,5,chat,Non HTTP response code: java.net.ConnectException,"Non HTTP response message: a, b
c",c 1-3,text,false,,0,0,2,2,http://x,0,0,0
`

const jmeterTree = `<?xml version="1.0" encoding="UTF-8"?>
<testResults version="1.2">
<httpSample t="1000" lt="50" ct="34" ts="1000000" s="true" lb="chat" rc="200" na="2"><httpSample t="7" lt="1" ts="1000000" s="true" lb="chat-0"/></httpSample>
<httpSample t="3000" lt="8" ts="1001000" s="true" lb="chat" na="3"/>
<httpSample t="5" lt="0" ts="1002000" s="false" lb="chat" na="2"/>
</testResults>
`

const heyTable = `response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset
1.0,0.01,0.0,0.0004,0.02,0.9,200,0.0
3.0,0.01,0.0,0.0004,0.04,0.9,200,1.0
0.001,0.01,0.0,0.0004,0.0001,0.0,503,2.0
`

const heyPage = `
Summary:
  Total:	40.0000 secs
  Slowest:	1.1967 secs
  Fastest:	0.8224 secs
  Average:	0.8911 secs
  Requests/sec:	4.0000

Latency distribution:
  10% in 0.8312 secs
  50% in 0.8542 secs
  99% in 0.0000 secs

Status code distribution:
  [200]	120 responses
  [503]	38 responses

Error distribution:
  [2]	Post "http://x": EOF
`

const ohaPage = `Summary:
  Success rate:	100.00%
  Total:	8000.0 ms
  Slowest:	841.2292 ms
  Fastest:	825.8467 ms
  Average:	831.8457 ms
  Requests/sec:	5.0

Response time distribution:
  50.00% in 830.6867 ms
  99.90% in 841.2292 ms

Status code distribution:
  [200] 40 responses
`

const ohaSum = `{"summary":{"successRate":1.0,"total":20.0,"slowest":0.872,"fastest":0.822,"average":0.832},"latencyPercentiles":{"p10":0.826,"p50":0.83,"p99.9":0.872},
"firstBytePercentiles":{"p50":0.00035},"details":{"firstByte":{"average":0.0004}},"statusCodeDistribution":{"200":100,"503":5},"errorDistribution":{"x":2}}`

const vegetaSum = `{"latencies":{"total":1,"mean":834000000,"50th":831000000,"90th":838000000,"95th":854000000,"99th":896000000,"max":899000000,"min":822000000},
"earliest":"2026-11-29T18:38:45Z","duration":24000000000,"wait":1000000000,"requests":100,"rate":4.04,"throughput":3.9,"success":0.98,"status_codes":{"0":1,"200":98,"503":1},"errors":["x"]}`

const vegetaPage = `Requests      [total, rate, throughput]         100, 4.04, 3.91
Duration      [total, attack, wait]             25.602s, 24.749s, 853ms
Latencies     [min, mean, 50, 90, 95, 99, max]  822.393ms, 834.345ms, 831.844ms, 838.851ms, 854.179ms, 896.434ms, 1.2s
Bytes In      [total, mean]                     1480098, 14800.98
Success       [ratio]                           98.00%
Status Codes  [code:count]                      0:1  200:98  503:1
Error Set:
`

const vegetaLines = `{"attack":"","seq":0,"code":200,"timestamp":"2026-11-29T18:38:45Z","latency":1000000000,"bytes_out":1606,"bytes_in":14799,"error":"","body":"U0VDUkVU","headers":{"Date":["x"]}}
{"attack":"","seq":1,"code":0,"timestamp":"2026-11-29T18:38:46Z","latency":1000,"bytes_out":0,"bytes_in":0,"error":"refused","body":null,"headers":null}
{"attack":"","seq":2,"code":200,"timestamp":"2026-11-29T18:38:46Z","latency":3000000000,"bytes_out":1606,"bytes_in":14799,"error":"","body":"","headers":{}}
`

const vegetaTable = "1795977525000000000,200,1000000000,1606,14799,,,,0,POST,http://x,\n1795977526000000000,503,1000,1606,14799,503 x,,,1,POST,http://x,\n1795977526000000000,200,3000000000,1606,14801,,,,2,POST,http://x,\n"

const wrkPage = `Running 25s test @ http://127.0.0.1:8000/v1/chat/completions
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   830.81ms    6.12ms 860.37ms   86.67%
    Req/Sec     9.69     10.54    30.00     81.63%
  Latency Distribution
     50%  829.47ms
     99%    1.20s
  120 requests in 25.00s, 1.78MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 20
Requests/sec:      4.80
`

const wrk2Page = `Running 30s test @ http://127.0.0.1:8000/v1/chat/completions
  1 threads and 6 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   839.90ms    4.32ms 849.41ms   62.82%
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%  839.68ms
 75.000%  844.29ms
100.000%  849.92ms

  Detailed Percentile spectrum:
       Value   Percentile   TotalCount 1/(1-Percentile)

     829.951     0.000000            1         1.00
     834.559     0.100000            8         1.11
     844.287     0.775000           62         4.44
     849.919     0.987500           78        80.00
     849.919     1.000000           78          inf
#[Mean    =      839.897, StdDeviation   =        4.323]
#[Max     =      849.408, Total count    =           78]
  120 requests in 30.00s, 1.77MB read
`

const abPage = `This is ApacheBench, Version 2.3 <$Revision$>

Concurrency Level:      4
Time taken for tests:   20.000 seconds
Complete requests:      100
Failed requests:        99
   (Connect: 0, Receive: 0, Length: 99, Exceptions: 0)
Non-2xx responses:      10
Requests per second:    5.0 [#/sec] (mean)

Connection Times (ms)
              min  mean[+/-sd] median   max
Connect:        0    0   0.1      0       1
Waiting:      823  832   8.1    830     872
Total:        823  832   8.1    830     873

Percentage of the requests served within a certain time (ms)
  50%    830
  99%    873
 100%    873 (longest request)
`

const locustTable = `Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%
POST,plain,32,0,830,836.3,822,892,802.0,1.12,0.0,830,840,840,840,840,890,890,890,890,890,890
POST,stream,104,4,2,3.3,0.7,39,0.0,3.65,0.0,2,2,2,3,5,7,32,39,39,39,39
TTFT,stream,107,0,61,64.9,58.6,125,0.0,3.76,0.0,61,62,68,70,72,74,100,120,130,130,130
,Aggregated,243,0,60,140.1,0.7,892,105.6,8.54,0.0,60,61,63,71,830,840,840,840,890,890,890
`

const siege = `{"transactions":80,"availability":100.00,"elapsed_time":16.72,"response_time":0.83,"transaction_rate":4.78,"concurrency":3.99,"successful_transactions":80,"failed_transactions":0,"longest_transaction":0.87,"shortest_transaction":0.82}`

func TestHTTPToolsAreRead(t *testing.T) {
	first := []baseline.Flag{baseline.FirstByteOnly}
	rows := map[string]float64{"e2e mean": 2, "e2e 0.5": 2, "ok": 2, "failed": 1, "duration": 4, "concurrency": 1, "rate": .5}
	withTTFB := func(seconds float64) map[string]float64 {
		out := map[string]float64{"ttfb mean": seconds}
		for k, v := range rows {
			out[k] = v
		}
		return out
	}
	unloaded := importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}
	asked := []baseline.Flag{baseline.AskedLengths}
	askedFirst := slices.Concat(asked, first)
	check(t, []reading{
		{name: "JMeter: a failed sample is no fast one, and threads are the load", file: "r.jtl", text: jmeterTable, facts: unloaded, id: "small/in256/out64/c3", want: withTTFB(.029), flags: askedFirst},
		{name: "JMeter as XML, samples within samples left out", file: "r.jtl", text: jmeterTree, facts: unloaded, id: "small/in256/out64/c3", want: withTTFB(.029), flags: askedFirst},
		{name: "JMeter: a rate that the user knows goes before the threads", file: "r.jtl", text: jmeterTable, facts: toldRate, id: "small/in256/out64/r4", want: rows, flags: append(askedFirst, baseline.RateNotReached)},
		{
			name: "JMeter: other columns in another order, and dates", file: "r.jtl", facts: told, id: "small/in256/out64/c4", flags: asked,
			text: "label,success,elapsed,timeStamp\nchat,true,1000,2026/11/29 18:00:00.000\nchat,true,3000,2026/11/29 18:00:01.000\nchat,false,5,2026/11/29 18:00:02.000\n", want: rows,
		},
		{name: "hey: a 503 is a failure", file: "h.csv", text: heyTable, facts: told, id: "small/in256/out64/c4", want: withTTFB(.03), flags: append(askedFirst, baseline.NoErrors)},
		{
			name: "hey's page: 503 is in its percentiles, and 0.0000 is none", file: "h.txt", text: heyPage, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .8542, "e2e 0.1": .8312, "e2e mean": .8911, "ok": 120, "failed": 40, "rate": 3, "duration": 40}, flags: append(asked, baseline.FailuresIn),
		},
		{
			name: "hey's page of version 0.1.5, with two signs of percent", file: "h.txt", text: strings.ReplaceAll(heyPage, "% in", "%% in"), facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .8542, "e2e 0.1": .8312, "e2e mean": .8911, "ok": 120, "failed": 40, "rate": 3, "duration": 40}, flags: append(asked, baseline.FailuresIn),
		},
		{
			name: "oha's CSV, by oha's own rule for a median", file: "o.csv", facts: told, id: "small/in256/out64/c4", want: map[string]float64{"e2e mean": 2, "e2e 0.5": 3, "ttfb mean": .002, "ok": 2, "failed": 1, "duration": 4}, flags: append(askedFirst, baseline.NoErrors),
			text: "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n0,0,0,0.001,1.0,9,200\n1,0,0,0.003,3.0,9,200\n2,0,0,0.1,0.1,9,503\n",
		},
		{
			name: "oha's page is in milliseconds", file: "o.txt", text: ohaPage, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .8306867, "e2e 0.999": .8412292, "ok": 40, "duration": 8}, flags: asked,
		},
		{
			name: "oha's JSON counts 503 as success", file: "o.json", text: ohaSum, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .83, "e2e 0.999": .872, "ttfb 0.5": .00035, "ok": 100, "failed": 7, "rate": 5}, flags: append(askedFirst, baseline.FailuresIn),
		},
		{
			name: "vegeta's report is in nanoseconds, failures in", file: "v.json", text: vegetaSum, facts: toldRate, id: "small/in256/out64/r4",
			want: map[string]float64{"e2e 0.5": .831, "e2e 0.99": .896, "ok": 98, "failed": 2, "rate": 3.9, "duration": 25}, flags: append(asked, baseline.FailuresIn),
		},
		{name: "vegeta's results as JSON", file: "v.json", text: vegetaLines, facts: told, id: "small/in256/out64/c4", want: rows, flags: asked},
		{name: "vegeta's results as CSV", file: "v.csv", text: vegetaTable, facts: told, id: "small/in256/out64/c4", want: rows, flags: asked},
		{
			name: "vegeta's report for people", file: "v.txt", text: vegetaPage, facts: toldRate, id: "small/in256/out64/r4",
			want: map[string]float64{"e2e 0.5": .831844, "e2e 0.99": .896434, "e2e max": 1.2, "ok": 98, "failed": 2, "duration": 25.602}, flags: append(asked, baseline.FailuresIn),
		},
		{
			name: "wrk", file: "w.txt", text: wrkPage, facts: unloaded, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .82947, "e2e 0.99": 1.2, "e2e mean": .83081, "ok": 100, "failed": 30, "duration": 25, "rate": 4}, flags: append(asked, baseline.FailuresIn),
		},
		{
			name: "wrk2: the whole distribution, of those after calibration", file: "w.txt", text: wrk2Page, facts: toldRate, id: "small/in256/out64/r4",
			want: map[string]float64{"e2e 0.1": .834559, "e2e 0.5": .83968, "e2e 0.75": .84429, "e2e 0.9875": .849919, "e2e count": 78, "ok": 120}, flags: asked,
		},
		{
			name: "ab: answers of unequal length did not fail", file: "a.txt", text: abPage, facts: unloaded, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e 0.5": .83, "e2e 0.99": .873, "e2e stddev": .0081, "ttfb max": .872, "ok": 90, "failed": 10, "duration": 20}, flags: append(askedFirst, baseline.FailuresIn),
		},
		{
			name: "ab's rows", file: "a.tsv", facts: told, id: "small/in256/out64/c4", want: map[string]float64{"e2e mean": 2, "ttfb mean": 1.5, "ok": 2},
			text: "starttime\tseconds\tctime\tdtime\tttime\twait\nSun\t1\t0\t1\t1000\t900\nSun\t1\t0\t1\t3000\t2100\n", flags: append(askedFirst, baseline.NoErrors),
		},
		{
			name: "siege has a mean alone", file: "s.json", text: siege, facts: told, id: "small/in256/out64/c4",
			want: map[string]float64{"e2e mean": .83, "e2e max": .87, "concurrency": 3.99, "ok": 80}, flags: append(asked, baseline.NoMedian),
		},
	})
}

const vegetaDistribution = `Value(ms)   Percentile  TotalCount  1/(1-Percentile)
822.393072  0.000000    0           1.000000
831.844473  0.500000    50          2.000000
838.850852  0.900000    90          10.000000
899.210123  1.000000    100         1000000.000000
`

const abTable = `Percentage served,Time in ms
0,823.142
1,823.675
50,830.124
99,872.509
100,872.509
`

func TestOneRunInSeveralForms(t *testing.T) {
	flags := []baseline.Flag{baseline.AskedLengths, baseline.FailuresIn, baseline.NoErrors}
	check(t, []reading{{
		name: "vegeta's distribution, which tells no failure", file: "hdrplot.txt", text: vegetaDistribution, facts: told, id: "small/in256/out64/c4", flags: flags,
		want: map[string]float64{"e2e 0.5": .831844473, "e2e 0.9": .838850852, "e2e min": .822393072, "e2e max": .899210123, "e2e count": 100, "ok": 100},
	}})
	report := func(table string) *baseline.Cell {
		b, err := importer.Import([]importer.File{{Name: "ab.txt", Body: strings.NewReader(abPage)}, {Name: "ab.csv", Body: strings.NewReader(table)}}, importer.Options{Facts: importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}})
		if err != nil || len(b.Cells) != 1 {
			t.Fatalf("%v, %+v", err, b.Cells)
		}
		return &b.Cells[0]
	}
	if c := report(abTable); c.Indicators[baseline.E2E].Quantiles[0].P != .01 || slices.Contains(c.Flags, baseline.Disagrees) {
		t.Errorf("ab's percentiles do not refine its report: %+v", c)
	} else if p50, _ := figure(c, "e2e 0.5"); p50 != .830124 {
		t.Errorf("the median is %v", p50)
	}
	if c := report(strings.ReplaceAll(abTable, ",8", ",9")); !slices.Contains(c.Flags, baseline.Disagrees) {
		t.Errorf("percentiles of another run: %v", c.Flags)
	}
	checkRefusals(t, []refusal{
		{"ab's percentiles alone", "ab.csv", abTable, told, "", []string{"ab.csv: this has percentiles alone, and no number of requests; want the report of ab beside it"}},
		{"ab's percentiles that fall", "ab.csv", strings.Replace(abTable, "99,872", "99,12", 1), told, "", []string{"ab.csv, line 5, Time in ms: 12.509"}},
		{"vegeta's distribution of nothing", "h.txt", strings.SplitAfter(vegetaDistribution, "\n")[0], told, "", []string{"TotalCount: no request"}},
		{"a bare Infinity in vegeta's distribution", "h.txt", strings.Replace(vegetaDistribution, "838.850852", "+Inf", 1), told, "", []string{"h.txt, line 4, Value(ms): +Inf; want a number of milliseconds"}},
	})
}

// wrk2 --u_latency prints a second distribution, from when a request was sent.
func TestTheUncorrectedDistributionOfWrk2IsLeftOut(t *testing.T) {
	second := "  Latency Distribution (HdrHistogram - Uncorrected Latency (measured without taking delayed starts into account))\n 50.000%  100.00ms\n 75.000%  110.00ms\n 99.000%  120.00ms\n\n" +
		"     100.000     0.600000            1         1.00\n#[Mean    =      100.000, StdDeviation   =        4.323]\n#[Max     =      120.000, Total count    =           99]\n"
	b := imported(t, "w.txt", strings.Replace(wrk2Page, "  120 requests in", second+"  120 requests in", 1), toldRate)
	checkCell(t, &b.Cells[0], reading{want: map[string]float64{"e2e 0.5": .83968, "e2e 0.75": .84429, "e2e count": 78, "ok": 120}, flags: []baseline.Flag{baseline.AskedLengths}})
	if v, there := figure(&b.Cells[0], "e2e 0.99"); there {
		t.Errorf("a quantile of the second distribution: %v", v)
	}
}

func TestEnginesOfAzureLoadTestingAreOneRun(t *testing.T) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, name := range []string{"engine1_results.csv", "engine2_results.csv", "readme.txt"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(jmeterTable)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	b := imported(t, "results.zip", packed.String(), importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64})
	if c := b.Cells[0]; c.ID != "small/in256/out64/c6" || c.Requests.OK != 4 || *c.Requests.Failed != 2 {
		t.Errorf("%s: %+v", c.ID, c.Requests)
	}
}

func TestLocustRowsAreChosenByName(t *testing.T) {
	for row, want := range map[string]map[string]float64{
		"plain":  {"e2e 0.5": .83, "e2e 0.95": .89, "ok": 32},
		"stream": {"ttft 0.5": .061, "ttft 0.99": .12, "ttfb 0.5": .002, "ok": 100, "failed": 4},
	} {
		b, err := importer.Import([]importer.File{{Name: "l.csv", Body: strings.NewReader(locustTable)}}, importer.Options{Facts: told, Row: row})
		if err != nil {
			t.Fatal(err)
		}
		for what, v := range want {
			if got, _ := figure(&b.Cells[0], what); got != v {
				t.Errorf("%s: %s is %v, want %v", row, what, got, v)
			}
		}
	}
}

func TestHTTPToolsAreRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"several labels", "r.jtl", strings.Replace(jmeterTable, "3000,chat", "3000,login", 1), told, "", []string{`several kinds of request: "chat", "login"; want --row`}},
		{"a JTL without elapsed times", "r.jtl", "elapsed,label,success\n,chat,true\n", told, "", []string{`r.jtl, line 2, elapsed: ""; want milliseconds`}},
		{"a JTL without success", "r.jtl", "elapsed,label\n1,chat\n", told, "", []string{"line 1, success: no such column"}},
		{"every sample failed", "r.jtl", "elapsed,label,success\n1,chat,false\n", told, "", []string{"no request succeeded"}},
		{"XML that is cut", "r.jtl", jmeterTree[:300], told, "", []string{"r.jtl, line"}},
		{"a quotation mark in the middle", "r.jtl", "elapsed,label,success\n1,ch\"at,true\n", told, "", []string{"r.jtl, line 2: a quotation mark without its partner"}},
		{"Locust's history", "l.csv", "Timestamp,User Count,Type,Name,Requests/s\n1,0,,Aggregated,0\n", told, "", []string{"want the file …_stats.csv"}},
		{"several names of Locust", "l.csv", locustTable, told, "", []string{`"plain", "stream"; want --row`}},
		{"wrk without --latency", "w.txt", strings.NewReplacer("     50%  829.47ms\n", "", "     99%    1.20s\n", "").Replace(wrkPage), told, "", []string{"wrk --latency"}},
		{"wrk that was cut", "w.txt", wrkPage[:300], told, "", []string{`no line such as "120 requests in 25.09s"`}},
		{"wrk2 without a rate", "w.txt", wrk2Page, importer.Facts{Model: "small", InputTokens: 1, OutputTokens: 1}, "", []string{"load: the file does not say"}},
		{"ab that was cut", "a.txt", abPage[:200], told, "", []string{"the report is not whole"}},
		{"hey with failures alone", "h.txt", strings.Replace(heyPage, "[200]", "[500]", 1), told, "", []string{"no response with a status from 200 to 299"}},
		{"vegeta's line without latency", "v.json", strings.Replace(vegetaLines, `"latency":3000000000,`, "", 1), told, "", []string{"v.json, line 3: no latency"}},
	})
}
