package importer

import (
	"github.com/headway-sidecar/headway/probe/baseline"
)

var (
	// ohaJSON reads oha's summary, in seconds. A status of 503 counts as success there.
	ohaJSON = Importer{
		Tool: "oha", Form: "summary (--output-format json)",
		match: func(h head) bool { return h.json("latencyPercentiles", "statusCodeDistribution") },
		read:  func(in *input) error { return in.documents(in.ohaSummary) },
	}
	// siegeJSON reads siege's summary: a mean with two decimals of a second, and the number
	// of requests in flight on average.
	siegeJSON = Importer{
		Tool: "siege", Form: "summary (JSON)",
		match: func(h head) bool { return h.json("transactions", "availability", "longest_transaction") },
		read:  func(in *input) error { return in.documents(in.siegeSummary) },
	}
)

// ohaSummary reads the distribution of successes alone if the version has it.
func (in *input) ohaSummary(n node) {
	d := draft{line: n.line}
	ok, failed := 0, 0
	codes := n.at("statusCodeDistribution")
	for i, code := range codes.keys {
		if c := in.count(codes.items[i]); c != nil && success(code) {
			ok += *c
		} else if c != nil {
			failed += *c
		}
	}
	if ok == 0 {
		in.refuse(codes, "1 response or more with a status from 200 to 299")
		return
	}
	bad := failed
	for _, one := range n.at("errorDistribution").items {
		if c := in.count(one); c != nil {
			failed += *c
		}
	}
	d.cell.Requests = baseline.Requests{OK: ok, Failed: &failed}
	if bad > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	summary := n.at("summary")
	d.cell.Duration = in.number(summary.at("total"), "seconds")
	if d.cell.Duration != nil && *d.cell.Duration > 0 {
		d.cell.Throughput.Requests = new(float64(ok) / *d.cell.Duration)
	}
	whole := http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, baseline.FloorRank)
	one, there := in.indicator(whole, 1, figures{
		mean: summary.at("average"), min: summary.at("fastest"), max: summary.at("slowest"), quantiles: percentiles(n.at("latencyPercentiles"), "p", ""),
	})
	d.put(baseline.E2E, one, there)
	first := n.at("details", "firstByte")
	one, there = in.indicator(http(baseline.Sending, baseline.FirstByte, baseline.ConnectSome, baseline.FloorRank), 1, figures{
		mean: first.at("average"), min: first.at("fastest"), max: first.at("slowest"), quantiles: percentiles(n.at("firstBytePercentiles"), "p", ""),
	})
	d.put(baseline.TTFB, one, there)
	d.cell.Flag(baseline.FirstByteOnly)
	in.drafts = append(in.drafts, d)
}

// siegeSummary reads the summary.
func (in *input) siegeSummary(n node) {
	d := draft{line: n.line}
	d.cell.Requests = baseline.Requests{OK: in.completed(n.at("successful_transactions")), Failed: in.count(n.at("failed_transactions"))}
	d.cell.Duration = in.number(n.at("elapsed_time"), "seconds")
	d.cell.Throughput.Requests = in.number(n.at("transaction_rate"), "requests a second")
	d.cell.Load.MeanConcurrency = in.number(n.at("concurrency"), "a number of requests")
	if d.cell.Requests.Failed != nil && *d.cell.Requests.Failed > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	one, ok := in.indicator(http(baseline.Sending, baseline.EndOfBody, baseline.ConnectIn, baseline.Unstated), 1, figures{
		mean: n.at("response_time"), min: n.at("shortest_transaction"), max: n.at("longest_transaction"),
	})
	d.put(baseline.E2E, one, ok)
	d.cell.Flag(baseline.NoMedian)
	in.drafts = append(in.drafts, d)
}
