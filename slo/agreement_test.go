package slo_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// agreementCount is how many exchanges the comparison of counters, histograms and capture
// takes.
const agreementCount = 100_000

// The limits. Many of the exchanges are at a limit to the nanosecond. No float holds some
// of the limits exactly, and two of them are bounds of the table already.
const (
	ttftLimit  = 510 * ms
	ttfaLimit  = 700 * ms
	tpotLimit  = 20 * ms
	itlLimit   = 37 * ms
	stallLimit = 330 * ms
	e2eLimit   = 2560 * ms
)

func agreementSet() slo.Set {
	streams := slo.Match{Stream: new(true)}
	one := func(name string, i exchange.Indicator, d time.Duration) slo.SLO {
		s := promise(name, slo.Objective{i, d})
		if i != exchange.E2E {
			s.Match = streams
		}
		return s
	}
	all := promise("all", slo.Objective{exchange.TTFT, ttftLimit}, slo.Objective{exchange.TPOT, tpotLimit},
		slo.Objective{exchange.ITLP99, itlLimit}, slo.Objective{exchange.E2E, e2eLimit})
	return slo.Set{SLOs: []slo.SLO{
		one("ttft", exchange.TTFT, ttftLimit), one("tpot", exchange.TPOT, tpotLimit), one("itl_p50", exchange.ITLP50, tpotLimit),
		one("itl_p90", exchange.ITLP90, itlLimit), one("itl_p99", exchange.ITLP99, itlLimit), one("stall", exchange.Stall, stallLimit),
		one("e2e", exchange.E2E, e2eLimit), one("ttfa", exchange.TTFA, ttfaLimit), one("silence", exchange.Silence, stallLimit), all,
	}}
}

// around is a time near limit: at it, a nanosecond to either side, or anywhere up to
// twice as much.
func around(r *rand.Rand, limit time.Duration) time.Duration {
	switch r.IntN(5) {
	case 0:
		return limit
	case 1:
		return limit + 1
	case 2:
		return limit - 1
	}
	return 1 + time.Duration(r.Int64N(int64(2*limit)))
}

// generated is an exchange of a random kind, beside a model server.
func generated(r *rand.Rand) exchange.Record {
	x := exchange.Record{
		Start: time.Unix(1_790_000_000, 0), Origin: exchange.App, Role: exchange.Server, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Model:    exchange.Model{Request: "m" + string('0'+rune(r.IntN(3)))},
		Upstream: exchange.Upstream{Host: "model", Port: 8000},
		Outcome:  exchange.OK, Stream: r.IntN(4) > 0,
	}
	if r.IntN(8) == 0 {
		x.Outcome = exchange.Outcomes()[r.IntN(len(exchange.Outcomes()))]
	}
	if x.Outcome != exchange.OK {
		x.ErrorType = exchange.ErrOther
	}
	x.Timing.End = around(r, e2eLimit)
	if !x.Stream {
		x.Usage = exchange.Usage{Output: exchange.Known(r.Int64N(500)), Source: exchange.Reported}
		return x
	}
	x.Timing.FirstChunk, x.Events = ms, 3
	x.Clocks.Upstream.Longest = around(r, stallLimit)
	if r.IntN(20) > 0 {
		chunks(r, &x)
	}
	return x
}

// chunks gives x content chunks.
func chunks(r *rand.Rand, x *exchange.Record) {
	x.Timing.FirstToken = around(r, ttftLimit)
	at := x.Timing.FirstToken
	tokens, told := int64(0), r.IntN(2) == 0
	pace := []time.Duration{5 * ms, tpotLimit, itlLimit}[r.IntN(3)]
	for i := range 1 + r.IntN(60) {
		if i > 0 {
			at += pace
		}
		if r.IntN(12) == 0 {
			at += around(r, itlLimit)
		}
		k := exchange.Chunk{At: at, Bytes: 1 + r.IntN(20)}
		n := 1 + r.IntN(3)
		if told {
			k.Tokens = n
		}
		tokens += int64(n)
		x.Chunks.Add(k)
	}
	x.Timing.LastToken = at
	if r.IntN(10) > 0 { // else all of it was reasoning
		x.Timing.FirstAnswer = max(x.Timing.FirstToken, around(r, ttfaLimit))
	}
	x.Timing.End = max(x.Timing.End, at)
	if r.IntN(10) > 0 {
		x.Usage = exchange.Usage{Output: exchange.Known(tokens), Streamed: exchange.Known(tokens), Source: exchange.Reported}
		if last := tokens - 1; last > 0 && r.IntN(3) == 0 { // a TPOT at its limit
			x.Timing.LastToken = x.Timing.FirstToken + time.Duration(last)*tpotLimit + time.Duration(r.Int64N(3)-1)*time.Duration(last)
		}
	}
}

// captured reads every Record back from its line.
type captured struct {
	t     *testing.T
	lines []capture.Line
}

func (c *captured) ObserveChain(exchange.Chain) {}

func (c *captured) Observe(r exchange.Record) {
	text, err := json.Marshal(capture.NewLine(r))
	if err != nil {
		c.t.Fatal(err)
	}
	for line, err := range capture.Read(bytes.NewReader(append(text, '\n'))) {
		if err != nil {
			c.t.Fatal(err)
		}
		c.lines = append(c.lines, line)
	}
}

func TestCountersHistogramsAndCaptureAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	set := agreementSet()
	var edges exporter.Edges
	for _, s := range set.SLOs {
		for _, o := range s.Good {
			edges = append(edges, exporter.Limit{Indicator: o.Indicator, Limit: o.Limit})
		}
	}
	metrics, err := prometheus.New(prometheus.Config{Histograms: prometheus.Classic, SemConv: exporter.V141, Names: exporter.NewNames(8, 64), Edges: edges})
	if err != nil {
		t.Fatal(err)
	}
	file := &captured{t: t}
	j := slo.New(slo.Config{Set: set, Role: exchange.Server, Next: exchange.Fanout{metrics, file}})
	r := rand.New(rand.NewPCG(5, 20261122))
	for range agreementCount {
		j.Observe(generated(r))
	}
	scraped := scrape(t, metrics)

	for _, s := range set.SLOs {
		good := counted(scraped, "headway_slo_requests_total", "slo", s.Name, "verdict", "good")
		bad := counted(scraped, "headway_slo_requests_total", "slo", s.Name, "verdict", "bad")
		var written, recomputed [2]uint64
		for i := range file.lines {
			l := &file.lines[i]
			if v, ok := l.SLO[s.Name]; ok {
				written[index(v.Verdict == "good")]++
			}
			if ok, counts := recompute(&s, l); counts {
				recomputed[index(ok)]++
			}
		}
		t.Logf("%-8s good %6d bad %6d by counter; %6d %6d by the capture's verdicts; %6d %6d from its times",
			s.Name, good, bad, written[1], written[0], recomputed[1], recomputed[0])
		if want := [2]uint64{bad, good}; written != want || recomputed != want {
			t.Errorf("%s: they disagree", s.Name)
		}
	}
	agreeWithHistograms(t, scraped, file.lines)
	agreeWithReport(t, scraped, file.lines)
}

func index(good bool) int {
	if good {
		return 1
	}
	return 0
}

// recompute judges a line by the times in it, and says whether the line counts at all. It
// shares no code with the judge.
func recompute(s *slo.SLO, l *capture.Line) (good, counts bool) {
	if s.Match.Stream != nil && *s.Match.Stream != l.Stream {
		return false, false
	}
	itl := capture.ITL{}
	if l.ITL != nil {
		itl = *l.ITL
	}
	ended := l.Outcome == "ok" || l.Outcome == "client_gone"
	met := ended
	for _, o := range s.Good {
		var value float64
		switch o.Indicator {
		case exchange.TTFT:
			value = l.TTFT
			switch {
			case l.Stream && l.TTFT == 0 && l.Outcome == "ok":
				value = 1e9
			case l.Stream && l.TTFT == 0:
				value = l.E2E
			}
		case exchange.TPOT:
			value = l.TPOT
		case exchange.ITLP50:
			value = itl.P50
		case exchange.ITLP90:
			value = itl.P90
		case exchange.ITLP99:
			value = itl.P99
		case exchange.E2E:
			value = l.E2E
		case exchange.TTFA:
			value = l.TTFA
			switch {
			case l.Stream && l.TTFA == 0 && l.Outcome == "ok":
				value = 1e9
			case l.Stream && l.TTFA == 0:
				value = l.E2E
			}
		case exchange.Stall, exchange.Silence: // not in the line
			return l.SLO[s.Name].Verdict == "good", l.SLO[s.Name].Verdict != ""
		}
		met = met && value <= float64(o.Limit)/1e9
	}
	if l.Outcome == "client_gone" {
		return false, !met
	}
	return met, true
}

// agreeWithHistograms compares the buckets at the limits with the counters. The model
// server's histograms of TTFT and TPOT take only exchanges that ended well.
func agreeWithHistograms(t *testing.T, scraped map[string]*dto.MetricFamily, lines []capture.Line) {
	t.Helper()
	withoutTPOT := uint64(0)
	for i := range lines {
		if l := &lines[i]; l.Stream && l.Outcome == "ok" && l.TPOT == 0 {
			withoutTPOT++
		}
	}
	good := func(name string) uint64 {
		return counted(scraped, "headway_slo_requests_total", "slo", name, "verdict", "good")
	}
	missed := func(name string) uint64 {
		return counted(scraped, "headway_slo_missed_total", "slo", name, "indicator", name)
	}
	within, _ := bucket(scraped, "gen_ai_server_time_to_first_token_seconds", ttftLimit)
	compare(t, "TTFT: good, and the bucket at its limit", good("ttft"), within)
	within, _ = bucket(scraped, "gen_ai_server_time_per_output_token_seconds", tpotLimit)
	compare(t, "TPOT: good, and the bucket with what has none", good("tpot"), within+withoutTPOT)
	within, _ = bucket(scraped, "gen_ai_server_request_duration_seconds", e2eLimit, "error_type", "")
	compare(t, "E2E: good, and the bucket at its limit", good("e2e"), within)
	within, all := bucket(scraped, "headway_stall_seconds", stallLimit, "by", "upstream")
	compare(t, "stall: missed, and beyond the bucket", missed("stall"), all-within)
}

// agreeWithReport compares the goodput of `headway report` with the counters.
func agreeWithReport(t *testing.T, scraped map[string]*dto.MetricFamily, lines []capture.Line) {
	t.Helper()
	o, err := report.ParseObjectives("ttft=510ms,tpot=20ms,itl_p99=37ms,e2e=2.56s")
	if err != nil {
		t.Fatal(err)
	}
	s := report.NewSummarizer(report.ByNothing, o)
	for _, l := range lines {
		s.Add(l)
	}
	goodput := s.Summary().All.Goodput
	compare(t, "report: good", counted(scraped, "headway_slo_requests_total", "slo", "all", "verdict", "good"), uint64(goodput.Good))
	for indicator, n := range goodput.Missed {
		missed := counted(scraped, "headway_slo_missed_total", "slo", "all", "indicator", indicator)
		compare(t, "report: missed by "+indicator, missed, uint64(n))
	}
	compare(t, "report: counted", counted(scraped, "headway_slo_requests_total", "slo", "all"), uint64(goodput.Counted))
}

func compare(t *testing.T, what string, a, b uint64) {
	t.Helper()
	t.Logf("%s: %d, %d", what, a, b)
	if a != b || a == 0 {
		t.Errorf("%s: %d, %d", what, a, b)
	}
}

func scrape(t *testing.T, e *prometheus.Exporter) map[string]*dto.MetricFamily {
	t.Helper()
	response := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
	e.Handler().ServeHTTP(response, request)
	out := map[string]*dto.MetricFamily{}
	for in := expfmt.NewDecoder(response.Body, expfmt.ResponseFormat(response.Header())); ; {
		family := new(dto.MetricFamily)
		if in.Decode(family) != nil {
			return out
		}
		out[family.GetName()] = family
	}
}

// selected yields the series with these labels, given as names and values.
func selected(f *dto.MetricFamily, labels []string) []*dto.Metric {
	return slices.DeleteFunc(slices.Clone(f.GetMetric()), func(m *dto.Metric) bool {
		for i := 0; i < len(labels); i += 2 {
			if !slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == labels[i] && l.GetValue() == labels[i+1] }) {
				return true
			}
		}
		return false
	})
}

func counted(scraped map[string]*dto.MetricFamily, name string, labels ...string) uint64 {
	sum := 0.0
	for _, m := range selected(scraped[name], labels) {
		sum += m.GetCounter().GetValue()
	}
	return uint64(sum)
}

// bucket is the count at a limit, over all series with these labels, and at the end.
func bucket(scraped map[string]*dto.MetricFamily, name string, limit time.Duration, labels ...string) (within, all uint64) {
	for _, m := range selected(scraped[name], labels) {
		for _, b := range m.GetHistogram().GetBucket() {
			if b.GetUpperBound() == float64(limit)/1e9 {
				within += b.GetCumulativeCount()
			}
		}
		all += m.GetHistogram().GetSampleCount()
	}
	return within, all
}
