package main

import (
	"cmp"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestQuantilesAreByNearestRank(t *testing.T) {
	samples := make([]int64, 1000)
	for i := range samples {
		samples[i] = int64(1000 - i)
	}
	want := quantiles{Count: 1000, P50: 500, P99: 990, P999: 999, Max: 1000}
	if got := quantilesOf(samples); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := quantilesOf([]int64{7}); got != (quantiles{1, 7, 7, 7, 7}) {
		t.Errorf("of one sample: %+v", got)
	}
	if got := quantilesOf(nil); !math.IsNaN(got.p50()) {
		t.Errorf("of none: %v, want NaN", got.p50())
	}
}

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}}
	for _, test := range tests {
		if got := median(test.values); got != test.want {
			t.Errorf("%v: %v, want %v", test.values, got, test.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of none: %v, want NaN", got)
	}
}

func TestProcessFilesAreRead(t *testing.T) {
	if got, err := parseResident([]byte("Name:\tnginx\nVmHWM:\t   9000 kB\nVmRSS:\t    8192 kB\nThreads:\t1\n")); err != nil || got != 8<<20 {
		t.Errorf("resident bytes %d, %v", got, err)
	}
	if _, err := parseResident([]byte("Name:\tgone\n")); err == nil {
		t.Error("no error for a process without memory")
	}
	if pid, parent, err := parseParent([]byte("4242 (a) b (c) S 17 4242 0")); pid != 4242 || parent != 17 || err != nil {
		t.Errorf("process %d of %d, %v", pid, parent, err)
	}
	for _, stat := range []string{"", "4242", "x (a) S 1", "1 (a) S y"} {
		if _, _, err := parseParent([]byte(stat)); err == nil {
			t.Errorf("%q: no error", stat)
		}
	}
	if got := parseRunDelay([]byte("162345 2000 31\n")); got != 2*time.Microsecond {
		t.Errorf("run delay %s", got)
	}
	if got := parseRunDelay([]byte("\n")); got != 0 {
		t.Errorf("run delay of nothing %s", got)
	}
	exposition := "# HELP go_goroutines n\n# TYPE go_goroutines gauge\ngo_goroutines 27\n"
	if got, err := parseGoroutines(strings.NewReader(exposition)); err != nil || got != 27 {
		t.Errorf("goroutines %d, %v", got, err)
	}
	if _, err := parseGoroutines(strings.NewReader("up 1\n")); err == nil {
		t.Error("no error for metrics without goroutines")
	}
}

func TestCPUTimeGrowsWithWork(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range 3_000_000 {
		sum += math.Sqrt(float64(i))
	}
	after, err := cpuTime(os.Getpid())
	if err != nil || after <= before || sum == 0 {
		t.Errorf("from %s to %s, %v", before, after, err)
	}
}

func TestTwoClocksAgree(t *testing.T) {
	a, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	b, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	first := a.now()
	between := b.now()
	last := a.now()
	const tolerance = 1000 // ns; see newClock, and a busy machine needs more
	if between < first-tolerance || between > last+tolerance {
		t.Errorf("clocks apart: %d not within %d and %d", between, first, last)
	}
}

func TestConfigurationsNameEveryAddress(t *testing.T) {
	a := addresses{port: 8001, upstreamPort: 8002, adminPort: 8003, maxStreams: 5000}
	wants := map[string][]string{
		nginxConfig(a, "/d"): {"listen 127.0.0.1:8001", "server 127.0.0.1:8002;", "worker_rlimit_nofile 12428;", "worker_connections 12428;", "pid /d/nginx.pid;", "proxy_buffering off;"},
		haproxyConfig(a):     {"bind 127.0.0.1:8001 ", "server upstream 127.0.0.1:8002\n", "maxconn 5200\n", "option http-no-delay"},
	}
	sealed := a
	sealed.authority = "/d/authority.pem"
	wants[nginxConfig(sealed, "/d")] = []string{"proxy_pass https://model;", "proxy_ssl_verify on;", "proxy_ssl_trusted_certificate /d/authority.pem;", "proxy_ssl_name model.test;"}
	wants[haproxyConfig(sealed)] = []string{"server upstream 127.0.0.1:8002 ssl verify required ca-file /d/authority.pem verifyhost model.test\n"}
	for config, parts := range wants {
		for _, part := range parts {
			if !strings.Contains(config, part) {
				t.Errorf("no %q in:\n%s", part, config)
			}
		}
	}
}

func TestProxiesAcceptTheirConfigurations(t *testing.T) {
	a := addresses{port: 8001, upstreamPort: 8002, maxStreams: 100}
	config, err := serverTLS()
	if err != nil {
		t.Fatal(err)
	}
	sealed := a
	sealed.authority = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(sealed.authority, authorityOf(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for title, check := range map[string]struct {
		config func(dir string) string
		args   func(file string) []string
	}{
		"nginx":       {func(dir string) string { return nginxConfig(a, dir) }, nginxCheck},
		"nginx TLS":   {func(dir string) string { return nginxConfig(sealed, dir) }, nginxCheck},
		"haproxy":     {func(string) string { return haproxyConfig(a) }, haproxyCheck},
		"haproxy TLS": {func(string) string { return haproxyConfig(sealed) }, haproxyCheck},
	} {
		t.Run(title, func(t *testing.T) {
			name, _, _ := strings.Cut(title, " ")
			path, err := findInstalled(name)
			if err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "config")
			if err := os.WriteFile(file, []byte(check.config(dir)), 0o600); err != nil {
				t.Fatal(err)
			}
			if text, err := exec.Command(path, check.args(file)...).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
}

func TestTheLoadOfAScenarioIsDescribedOnce(t *testing.T) {
	o := options{scenarios: []string{"requests", "requests-tls", "raw"}, rounds: 1, requests: 7, connections: 2, streams: 3, eventRate: 4, eventsPerStream: 5, duration: time.Second}
	want := "requests: 7 on 2 connections, median of 1 rounds; requests-tls: as requests; raw: 3 streams of 4 events/s, 5 content events each, 1s, median of 1 rounds"
	if got := describeLoad(o); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// nginxCheck and haproxyCheck are the arguments with which the proxy checks a configuration.
func nginxCheck(file string) []string   { return []string{"-t", "-e", "stderr", "-c", file} }
func haproxyCheck(file string) []string { return []string{"-c", "-f", file} }

func TestReportJudgesByTheMedian(t *testing.T) {
	r := &report{targets: []string{"direct", "nginx", "headway", "headway-tracked", "headway-transparent"}, Machine: "machine", Load: "load"}
	add := func(round int, target string, cpu time.Duration, late int64) {
		q := quantiles{Count: 1, P50: late, P99: late, P999: late, Max: late}
		r.add(round, "events", target, loadResult{Events: 1000, Wall: time.Second, ProxyCPU: cpu, Lateness: q})
	}
	for round, late := range []int64{10_000, 12_000, 90_000} {
		add(round, "direct", 0, late)
		add(round, "nginx", 10*time.Millisecond, late+20_000)
		add(round, "headway", 12*time.Millisecond, late+50_000)
		add(round, "headway-tracked", 15*time.Millisecond, late+50_000)
		add(round, "headway-transparent", 18*time.Millisecond, late+50_000)
	}
	r.summarize()
	cpu, added := lineOf(t, r, "CPU per event"), lineOf(t, r, "added lateness p50")
	if cpu.Values["nginx"] != 10 || cpu.Ratios["headway"] != 1.2 || !slices.Equal(cpu.Judged, []verdict{{"headway", true}}) {
		t.Errorf("CPU per event: %+v", cpu)
	}
	if _, found := cpu.Values["direct"]; found {
		t.Error("direct has the CPU time of a proxy")
	}
	if added.Values["nginx"] != 20 || added.Ratios["headway"] != 2.5 || !slices.Equal(added.Judged, []verdict{{"headway", false}}) {
		t.Errorf("added lateness: %+v", added)
	}
	if own := lineOf(t, r, "CPU per event, transparent"); !slices.Equal(own.Judged, []verdict{{"headway-transparent", false}}) {
		t.Errorf("transparent mode: %+v", own)
	}
	if tracked := lineOf(t, r, "CPU per event, tracked"); tracked.Ratios["headway-tracked"] != 1.25 || tracked.Limit != "" {
		t.Errorf("CPU per event, tracked: %+v", tracked)
	}
	text := string(r.markdown())
	for _, want := range []string{
		"| CPU per event, µs | – | 10 | 12 (1.20 ×) | 15 (1.50 ×) | 18 (1.80 ×) | ≤ 1.3 × nginx: headway kept |",
		"≤ 1.5 × nginx: headway missed", "≤ 1.05 × headway-tracked: headway-transparent missed", "machine. load.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestLimitsThatNeedNoYardstickJudgeBothModes(t *testing.T) {
	r := &report{targets: []string{"headway", "headway-transparent"}}
	for target, idle := range map[string]int64{"headway": 20 << 20, "headway-transparent": 40 << 20} {
		r.add(0, "memory", target, loadResult{Memory: memoryResult{Idle: idle, Open: idle, Streams: 1}})
	}
	r.summarize()
	if got, want := lineOf(t, r, "RSS idle").verdict(), "≤ 30 MiB: headway kept, headway-transparent missed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestALimitJudgesNoTargetThatDidNotRun(t *testing.T) {
	r := &report{targets: []string{"headway"}}
	r.add(0, "memory", "headway", loadResult{Memory: memoryResult{Idle: 1, Open: 1, Streams: 1}})
	r.summarize()
	if got, want := lineOf(t, r, "RSS idle").verdict(), "≤ 30 MiB: headway kept"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The table of docs/performance.md is a report of this program. Its verdicts have to be
// those of the figures beside them.
func TestThePublishedVerdictsFollowFromThePublishedFigures(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- table -->\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var targets []string
	judged := 0
	for i, row := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		switch i {
		case 0:
			targets = strings.Split(strings.Trim(row, "| "), " | ")
			targets = targets[:len(targets)-1]
			continue
		case 1:
			continue
		}
		l, m := published(t, cells, targets)
		m.judge(&l)
		got := strings.Trim(strings.Join(cells[1+len(targets):], ""), " |")
		if got != l.verdict() {
			t.Errorf("%s: %q, want %q", cells[0], got, l.verdict())
		}
		judged += len(l.Judged)
	}
	if judged == 0 {
		t.Error("no verdict")
	}
}

// published reads a row of the table back into a line, and finds its measure.
func published(t *testing.T, cells, targets []string) (line, measure) {
	t.Helper()
	all := measures()
	i := slices.IndexFunc(all, func(m measure) bool { return m.name == cells[0] || m.name+", "+m.unit == cells[0] })
	if i < 0 {
		t.Fatalf("no measure %q", cells[0])
	}
	l := line{Against: cmp.Or(all[i].against, "nginx"), Values: map[string]float64{}, Ratios: map[string]float64{}}
	for n, target := range targets {
		value, ratio, _ := strings.Cut(strings.TrimSuffix(cells[1+n], " ×)"), " (")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			l.Values[target] = v
		}
		if v, err := strconv.ParseFloat(ratio, 64); err == nil {
			l.Ratios[target] = v
		}
	}
	return l, all[i]
}

// lineOf returns the line of a measure.
func lineOf(t *testing.T, r *report, measure string) line {
	t.Helper()
	for _, l := range r.Summary {
		if l.Measure == measure {
			return l
		}
	}
	t.Fatalf("no line %q", measure)
	return line{}
}

func TestReportNotesDisturbances(t *testing.T) {
	r := &report{}
	r.add(0, "events", "nginx", loadResult{Wall: time.Second, LoadCPU: 900 * time.Millisecond, ProxyWait: 100 * time.Millisecond, Bad: 3, FirstBad: "stream 4 cut"})
	text := strings.Join(r.Notes, "\n")
	for _, want := range []string{"90 % busy", "waited for their core 10 %", "3 bad, first: stream 4 cut"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
