//go:build interop

package baseline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// loadTools lists the tools, each in the version that .ci/interop pins or Debian has.
func loadTools() []loadTool { return append(httpTools(), llmTools()...) }

// httpTools lists the tools that know HTTP alone.
func httpTools() []loadTool {
	return []loadTool{
		{name: "hey", cutsAreSuccesses: true, drive: hey("hey.csv", "-o", "csv"), readings: []reading{
			{files: []string{"hey.csv"}, flags: closed(), against: whole()},
		}},
		{name: "hey, text", cutsAreSuccesses: true, drive: hey("hey.txt"), readings: []reading{
			{files: []string{"hey.txt"}, flags: closed(), against: toTheEnd(), numbers: []own{
				{baseline.E2E, .9, `90%+ in ([0-9.]+)`, 1}, {baseline.E2E, 0, `Average:\s+([0-9.]+)`, 1},
			}},
		}},
		{name: "vegeta", drive: vegeta, readings: []reading{
			{files: []string{"report.json"}, flags: pacing(), against: toTheEnd(), numbers: []own{
				{baseline.E2E, .99, `"99th":([0-9.]+)`, 1e9}, {baseline.E2E, 0, `"mean":([0-9.]+)`, 1e9},
			}},
			{files: []string{"report.txt"}, flags: pacing(), against: toTheEnd()},
			{files: []string{"results.ndjson"}, flags: pacing(), against: toTheEnd()},
			{files: []string{"results.csv"}, flags: pacing(), against: toTheEnd()},
		}},
		{name: "ab", cutsAreSuccesses: true, drive: ab, readings: []reading{
			{files: []string{"ab.txt"}, flags: unloaded(), against: whole(), numbers: []own{
				{baseline.E2E, .95, `95%\s+([0-9.]+)`, 1e3}, {baseline.TTFB, 0, `Waiting:\s+\d+\s+(\d+)`, 1e3},
			}},
			{files: []string{"gnuplot.tsv"}, blind: true, flags: closed(), against: whole()},
		}},
		{name: "wrk", drive: wrk, readings: []reading{
			{files: []string{"wrk.txt"}, byClock: true, flags: unloaded(), against: toTheEnd(), numbers: []own{
				{baseline.E2E, .99, `99%\s+([0-9.]+)ms`, 1e3}, {baseline.E2E, 0, `Latency\s+([0-9.]+)ms`, 1e3},
			}},
		}},
		{name: "siege", cutsAreSuccesses: true, drive: siege, readings: []reading{
			{files: []string{"siege.json"}, flags: closed(), against: toTheEnd(), numbers: []own{
				{baseline.E2E, 0, `"response_time":\s*([0-9.]+)`, 1},
			}},
		}},
		{name: "locust", slow: true, drive: locust, readings: []reading{
			{files: []string{"run_stats.csv"}, late: true, flags: append(closed(), "--row", "chat"), against: headAndToken(), numbers: []own{
				{baseline.TTFT, 0, `TTFT,chat,\d+,\d+,\d+,([0-9.]+)`, 1e3}, {baseline.TTFT, .5, `TTFT,chat,\d+,\d+,(\d+)`, 1e3},
			}},
			{files: []string{"run.json"}, flags: append(closed(), "--row", "chat"), against: headAndToken()},
			{files: []string{"run.json"}, startsLate: true, flags: append(closed(), "--row", "whole chat"), against: toTheEnd()},
		}},
		{name: "k6", slow: true, drive: k6, readings: []reading{
			{files: []string{"summary.json"}, flags: unloaded(), against: whole(), numbers: []own{
				{baseline.E2E, .95, `"http_req_duration":\s*\{[^}]*"p\(95\)":\s*([0-9.]+)`, 1e3}, {baseline.TTFB, 0, `"http_req_waiting":\s*\{[^}]*"avg":\s*([0-9.]+)`, 1e3},
			}},
			{files: []string{"samples.json"}, flags: closed(), against: whole()},
			{files: []string{"samples.csv"}, flags: closed(), against: whole()},
		}},
		{name: "jmeter", slow: true, drive: jmeter, readings: []reading{
			{files: []string{"results.jtl"}, flags: chatsUnloaded(), against: whole()},
			{files: []string{"results.xml"}, flags: chatsUnloaded(), against: whole()},
			{files: []string{"page/statistics.json"}, flags: append(closed(), "--row", "chat"), against: toTheEnd(), numbers: []own{
				{baseline.E2E, .9, `"chat" : \{[^}]*"pct1ResTime" : ([0-9.]+)`, 1e3}, {baseline.E2E, 0, `"chat" : \{[^}]*"meanResTime" : ([0-9.]+)`, 1e3},
			}},
		}},
	}
}

// unloaded tells what a tool of HTTP does not write, but for the load.
func unloaded() []string {
	return []string{"--model", model, "--input-tokens", "143", "--output-tokens", fmt.Sprint(outputTokens)}
}

// closed tells of a closed loop too.
func closed() []string { return append(unloaded(), "--concurrency", fmt.Sprint(clients)) }

// chatsUnloaded names the requests that count, in files that have the load.
func chatsUnloaded() []string { return append(unloaded(), "--row", "chat") }

// pacing tells of an open loop too.
func pacing() []string { return append(unloaded(), "--rate", fmt.Sprint(perSecond)) }

func hey(output string, flags ...string) func(*stage) {
	return func(s *stage) {
		args := append([]string{"-n", fmt.Sprint(requests), "-c", fmt.Sprint(clients), "-m", "POST", "-T", "application/json", "-D", "stream.json"}, flags...)
		s.run(output, interop.Tool(s.T, "bin/hey"), append(args, s.chat())...)
	}
}

func vegeta(s *stage) {
	exe := interop.Tool(s.T, "bin/vegeta")
	s.write("targets", "POST "+s.chat()+"\nContent-Type: application/json\n@stream.json\n")
	s.run("results.bin", exe, "attack", "-targets", "targets", "-rate", fmt.Sprint(perSecond), "-duration", fmt.Sprintf("%ds", requests/perSecond))
	s.run("report.json", exe, "report", "-type", "json", "results.bin")
	s.run("report.txt", exe, "report", "-type", "text", "results.bin")
	s.run("results.ndjson", exe, "encode", "-to", "json", "results.bin")
	s.run("results.csv", exe, "encode", "-to", "csv", "results.bin")
}

func ab(s *stage) {
	s.run("ab.txt", "ab", "-n", fmt.Sprint(requests), "-c", fmt.Sprint(clients), "-p", "plain.json", "-T", "application/json", "-g", "gnuplot.tsv", s.chat())
}

// wrk counts none of the requests that its end cuts off, one of each client. They are within
// the tolerance of the mean concurrency in a run of more than 20 times a request's 0.34 s.
func wrk(s *stage) {
	s.run("wrk.txt", "wrk", "-t", "1", "-c", fmt.Sprint(clients), "-d", "9s", "--latency", "-s", interop.Driver(s.T, "loadtests/wrk.lua"), s.chat())
}

// siege writes its settings into a home that has none, and says so before its result.
func siege(s *stage) {
	if err := os.Mkdir(filepath.Join(s.dir, ".siege"), 0o755); err != nil {
		s.Fatal(err)
	}
	s.write(".siege/siege.conf", strings.Join([]string{"json_output = true", "logging = false", "verbose = false", "limit = 255", "protocol = HTTP/1.1", "parser = false"}, "\n"))
	s.run("siege.json", "siege", "--content-type", "application/json", "-c", fmt.Sprint(clients), "-r", fmt.Sprint(requests/clients), s.chat()+" POST <plain.json")
}

func locust(s *stage) {
	s.run("locust.txt", interop.Tool(s.T, "python-locust/bin/locust"), "-f", interop.Driver(s.T, "loadtests/locustfile.py"), "--headless", "--host", s.url, "--only-summary",
		"-u", fmt.Sprint(clients), "-r", fmt.Sprint(clients), "--chats", fmt.Sprint(requests/clients), "--csv", "run", "--json-file", "run")
}

func k6(s *stage) {
	s.run("k6.txt", interop.Tool(s.T, "bin/k6"), "run", "--quiet", "--no-usage-report", "-u", fmt.Sprint(clients), "-i", fmt.Sprint(requests), "-e", "URL="+s.chat(), "-e", "BODY="+filepath.Join(s.dir, "stream.json"),
		"--summary-export", "summary.json", "--summary-trend-stats", "avg,min,med,max,p(90),p(95),p(99),count", "--out", "json=samples.json", "--out", "csv=samples.csv", interop.Driver(s.T, "loadtests/k6.js"))
}

// jmeter sends requests of another kind first, and keeps them in its files. Compiling the
// JVM's code to the last takes from the load on a machine with few cores.
func jmeter(s *stage) {
	s.run("jmeter.txt", "java", "-XX:TieredStopAtLevel=1", "-Duser.home="+s.dir, "-jar", interop.Tool(s.T, "jmeter/bin/ApacheJMeter.jar"), "-n", "-t", interop.Driver(s.T, "loadtests/chat.jmx"), "-j", "jmeter.log",
		"-Jport="+s.port(), "-Jthreads="+fmt.Sprint(clients), "-Jloops="+fmt.Sprint(requests/clients), "-l", "results.jtl", "-e", "-o", "page")
}

// toTheEnd are those of a tool that knows only the whole request.
func toTheEnd() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}
}

// headAndToken are those of the script of Locust.
func headAndToken() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "ttft_first_content", baseline.TTFB: "response_head"}
}
