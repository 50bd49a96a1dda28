package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// k6 writes milliseconds. http_req_duration is sending + waiting + receiving, without the
// time to connect; http_req_waiting ends with the first byte. Times to tokens are metrics
// of the script, which Options.Metrics names. Read at grafana/k6 8788307.
var (
	k6Summary = Importer{
		Tool: "k6", Form: "summary (--summary-export or handleSummary)",
		match: func(h head) bool { return h.json("metrics", "root_group") },
		read: func(in *input) error {
			n, err := in.document(k6Drop)
			if err != nil {
				return err
			}
			in.k6Metrics(n, n.at("metrics"))
			return nil
		},
	}
	k6Machine = Importer{
		Tool: "k6", Form: "summary (--new-machine-readable-summary)",
		match: func(h head) bool {
			return h.json("results", "config") && (h.has(`"k6Version"`) || h.has(`"k6_version"`))
		},
		read: func(in *input) error {
			n, err := in.document(k6Drop)
			if err != nil {
				return err
			}
			in.k6MachineSummary(n)
			return nil
		},
	}
	k6JSON = Importer{
		Tool: "k6", Form: "samples (--out json)",
		match: func(h head) bool { return h.json("type", "metric", "data") },
		read:  (*input).k6Points,
	}
	k6CSV = Importer{
		Tool: "k6", Form: "samples (--out csv)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "metric_name,timestamp,metric_value,") },
		read:  (*input).k6Rows,
	}
)

// k6Drop are parts that may hold the script, or tokens of a login.
func k6Drop(key string) bool {
	return key == "setup_data" || key == "script" || key == "checks" || key == "groups"
}

func k6Definition(name baseline.Name) baseline.Definition {
	switch name {
	case baseline.E2E:
		return http(baseline.Sending, baseline.EndOfBody, baseline.ConnectOut, baseline.Linear)
	case baseline.TTFB:
		return http(baseline.Sent, baseline.FirstByte, baseline.ConnectOut, baseline.Linear)
	}
	d := http(baseline.Unsaid, baseline.Unsaid, baseline.ConnectUnknown, baseline.Linear)
	if name == baseline.TPOT || name == baseline.NTPOT {
		d.Tokens = baseline.Unknown
	}
	return d
}

// k6Names are the metrics of the indicators: those of k6, and those that the user named.
func (in *input) k6Names() map[string]baseline.Name {
	names := map[string]baseline.Name{"http_req_duration": baseline.E2E, "http_req_waiting": baseline.TTFB}
	for name, metric := range in.metrics {
		for own, other := range names {
			if other == name {
				delete(names, own)
			}
		}
		names[metric] = name
	}
	return names
}

// k6Scale is milliseconds, or seconds for a metric whose name ends so.
func k6Scale(metric string) float64 {
	if strings.HasSuffix(metric, "second") || strings.HasSuffix(metric, "seconds") || strings.HasSuffix(metric, "_s") {
		return 1
	}
	return 1e-3
}

// values are those of a metric: flat in the older form.
func k6Values(metric node) node {
	if v := metric.at("values"); v.known() {
		return v
	}
	return metric
}

// k6MachineSummary reads the list of metrics of the newest form as the object of the
// older ones.
func (in *input) k6MachineSummary(n node) {
	list := n.at("results", "metrics")
	metrics := node{kind: objectKind, line: list.line, path: list.path}
	for _, one := range list.items {
		metrics.set(one.at("name").text, one)
	}
	in.k6Metrics(n, metrics)
}

// k6Metrics reads a summary.
func (in *input) k6Metrics(n, metrics node) {
	requests := k6Values(metrics.at("http_reqs"))
	total := in.count(requests.at("count"))
	if total == nil || *total == 0 {
		in.refuse(requests.at("count"), "1 request or more")
		return
	}
	// "fails" is how often the metric was false: requests that did not fail.
	failed := 0
	if f := in.count(k6Values(metrics.at("http_req_failed")).first("passes", "matches")); f != nil {
		failed = *f
	}
	d := draft{line: n.line}
	d.cell.Requests = baseline.Requests{OK: *total - failed, Failed: &failed}
	if d.cell.Requests.OK <= 0 {
		in.refuse(k6Values(metrics.at("http_req_failed")).first("passes", "matches"), "1 request or more that did not fail")
		return
	}
	if rate := in.number(requests.at("rate"), "requests a second"); rate != nil && *rate > 0 {
		d.cell.Throughput.Requests = new(*rate * float64(d.cell.Requests.OK) / float64(*total))
		d.cell.Duration = new(float64(*total) / *rate)
	}
	if ms := in.number(n.at("state", "testRunDurationMs"), units(1e-3)); ms != nil {
		d.cell.Duration = new(*ms / 1e3)
	}
	if top := in.number(k6Values(metrics.at("vus")).at("max"), "a number of virtual users"); top != nil {
		d.likely.Concurrency = *top
	}
	in.k6Indicators(&d, metrics, failed)
	in.drafts = append(in.drafts, d)
}

// k6Indicators reads the trends. One of successful requests alone stands beside
// http_req_duration.
func (in *input) k6Indicators(d *draft, metrics node, failed int) {
	for metric, name := range in.k6Names() {
		n := metrics.at(metric)
		if good := metrics.at(metric + "{expected_response:true}"); good.known() {
			n = good
		} else if failed > 0 && n.known() {
			d.cell.Flag(baseline.FailuresIn)
		}
		if !n.known() && in.metrics[name] == metric {
			in.refuse(n, "a metric of the script: --metric names one that is there")
			continue
		}
		v := k6Values(n)
		one, ok := in.indicator(k6Definition(name), k6Scale(metric), figures{
			count: v.at("count"), mean: v.at("avg"), median: v.at("med"), min: v.at("min"), max: v.at("max"),
			quantiles: percentiles(v, "p(", ")"),
		})
		// Only the trend that is not split has a count.
		if c := in.count(k6Values(metrics.at(metric)).at("count")); ok && one.Count == nil && c != nil && failed == 0 {
			one.Count = c
		}
		d.put(name, one, ok)
	}
	if _, there := d.cell.Indicators[baseline.TTFB]; there {
		d.cell.Flag(baseline.FirstByteOnly)
	}
}

// k6Run gathers samples.
type k6Run struct {
	in          *input
	names       map[string]baseline.Name
	samples     map[baseline.Name]*baseline.Sample
	failed      int
	first, last float64
}

func newK6Run(in *input) *k6Run {
	r := &k6Run{in: in, names: in.k6Names(), samples: map[baseline.Name]*baseline.Sample{}}
	for _, name := range r.names {
		r.samples[name] = &baseline.Sample{}
	}
	return r
}

// add adds a sample of the metric, which ended at the time.
func (r *k6Run) add(metric string, name baseline.Name, value, end float64, ok bool) {
	value = scaled(value, k6Scale(metric))
	if start := end - value; end > 0 && (r.first == 0 || start < r.first) {
		r.first = start
	}
	r.last = max(r.last, end)
	if !ok {
		if name == baseline.E2E {
			r.failed++
		}
		return
	}
	r.samples[name].Add(value)
}

// k6Points reads samples as lines of JSON. Data may come before the name of its metric.
func (in *input) k6Points() error {
	run := newK6Run(in)
	s := newScanner(in.body)
	for s.more() {
		var metric, stamp string
		value, known, wanted, point, ok := 0., false, true, true, true
		err := s.object(func(key string) (err error) {
			switch {
			case key == "metric":
				metric, err = s.key()
				_, wanted = run.names[metric]
			case key == "type":
				var kind string
				kind, err = s.key()
				point = kind == "Point"
			case key == "data" && wanted && point:
				value, known, stamp, ok, err = s.k6Data()
			default:
				err = s.skip()
			}
			return err
		})
		if err != nil {
			return err
		}
		name, wanted := run.names[metric]
		if !wanted || !point || !known {
			continue
		}
		if !(value >= 0) || value > 1e300 {
			return s.wrong(strconv.FormatFloat(value, 'g', -1, 64)+" of "+metric, "milliseconds, 852.6 for example")
		}
		end, err := in.seconds(s, stamp)
		if err != nil {
			return err
		}
		run.add(metric, name, value, end, ok)
	}
	return run.finish()
}

// k6Data reads the time, the value and the success of a point.
func (s *scanner) k6Data() (value float64, known bool, stamp string, ok bool, err error) {
	ok = true
	err = s.object(func(key string) (err error) {
		switch key {
		case "time":
			stamp, err = s.str()
		case "value":
			value, known, err = s.number()
		case "tags":
			if s.next() != '{' {
				return s.skip()
			}
			return s.object(func(key string) (err error) {
				if key != "expected_response" && key != "status" {
					return s.skip()
				}
				word, err := s.key()
				ok = ok && (word == "true" || word == "" || success(word))
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	return value, known, stamp, ok, err
}

// k6Rows reads samples as CSV, whose times are whole seconds or dates.
func (in *input) k6Rows() error {
	run := newK6Run(in)
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	expected, code := t.find("expected_response"), t.find("status")
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			return run.finish()
		}
		name, wanted := run.names[string(t.bytes(0))]
		if !wanted {
			continue
		}
		metric := string(t.bytes(0))
		value, err := t.number(2, "milliseconds, 852.6 for example")
		if err != nil {
			return err
		}
		end, ok := decimal(t.bytes(1))
		if at, err := time.Parse(time.RFC3339Nano, string(t.bytes(1))); !ok && err == nil {
			end = float64(at.UnixNano()) / 1e9
		}
		status := string(t.bytes(code))
		run.add(metric, name, value, end, string(t.bytes(expected)) != "false" && (status == "" || success(status)))
	}
}

// finish makes a draft of the samples.
func (r *k6Run) finish() error {
	d := draft{line: 1}
	whole := r.samples[baseline.E2E]
	if whole == nil || whole.Count() == 0 {
		return &Problem{Field: "http_req_duration", Got: "no sample of a request that succeeded", Want: "1 or more"}
	}
	d.cell.Requests = baseline.Requests{OK: whole.Count(), Failed: &r.failed}
	for name, sample := range r.samples {
		d.combine(name, sample, k6Definition(name))
	}
	if _, there := d.cell.Indicators[baseline.TTFB]; there {
		d.cell.Flag(baseline.FirstByteOnly)
	}
	for _, name := range slices.Sorted(maps.Keys(r.in.metrics)) {
		if r.samples[name].Count() == 0 {
			return &Problem{Field: r.in.metrics[name], Got: "no sample of this metric", Want: "a metric of the script"}
		}
	}
	if seconds := r.last - r.first; seconds > 0 {
		d.cell.Duration = &seconds
		d.cell.Throughput.Requests = new(float64(whole.Count()) / seconds)
	}
	r.in.drafts = append(r.in.drafts, d)
	return nil
}
