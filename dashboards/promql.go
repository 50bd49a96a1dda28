package dashboards

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/exporter"
)

// The window of rates: Grafana takes four scrapes, or a step of the picture if that is
// longer.
const window = "[$__rate_interval]"

// The matchers of the variables. A variable that stands at All matches series without its
// label too, so that the dashboards work outside Kubernetes.
const (
	ofTarget = `namespace=~"$namespace",pod=~"$pod"`
	ofModel  = ofTarget + `,model=~"$model"`
	ofGenAI  = ofTarget + `,gen_ai_request_model=~"$model"`
)

// metric is a family of series. Exactly one of its names is set.
type metric struct {
	name     string // exact
	pattern  string // a regular expression, for one metric with a name beside applications and another beside model servers
	matchers string
}

// traffic is one of headway's own metrics about exchanges.
func traffic(name string, matchers ...string) metric {
	return metric{name: name, matchers: joined(ofModel, matchers)}
}

// process is a metric about the running program.
func process(name string, matchers ...string) metric {
	return metric{name: name, matchers: joined(ofTarget, matchers)}
}

// judged is a metric about SLOs.
func judged(name string, matchers ...string) metric {
	return metric{name: name, matchers: joined(ofModel+`,slo=~"$slo"`, matchers)}
}

// promised is a metric about what SLOs promise.
func promised(name string, matchers ...string) metric {
	return metric{name: name, matchers: joined(ofTarget+`,slo=~"$slo"`, matchers)}
}

func joined(first string, more []string) string {
	return strings.Join(append([]string{first}, more...), ",")
}

// selector selects the series of m whose name ends with suffix, in PromQL.
func (m metric) selector(suffix string) string {
	if m.pattern == "" {
		return fmt.Sprintf("%s%s{%s}", m.name, suffix, m.matchers)
	}
	return fmt.Sprintf(`{__name__=~"%s%s",%s}`, m.pattern, suffix, m.matchers)
}

// gauge is m as it stands.
func (m metric) gauge() string { return m.selector("") }

// writer writes the queries that depend on Options.
type writer struct{ Options }

// ttft is the histogram of TTFT in the roles that the variable selects.
func (w writer) ttft() metric {
	return w.byRole("operation_time_to_first_chunk", "inference_time_to_first_chunk", "time_to_first_token")
}

// e2e is the histogram of E2E in the roles that the variable selects.
func (w writer) e2e(matchers ...string) metric {
	return w.byRole("operation_duration", "inference_duration", "request_duration", matchers...)
}

// byRole is a metric in seconds whose name depends on the role and the conventions.
func (w writer) byRole(v141, v01, server string, matchers ...string) metric {
	client := v141
	if w.SemConv == exporter.V01 {
		client = v01
	}
	return metric{pattern: fmt.Sprintf("gen_ai_($role)_(%s|%s)_seconds", client, server), matchers: joined(ofGenAI, matchers)}
}

// by is the clause that keeps labels: empty without any.
func by(labels ...string) string {
	if len(labels) == 0 {
		return ""
	}
	return " by (" + strings.Join(labels, ", ") + ")"
}

// sum adds up an expression.
func sum(expr string, labels ...string) string { return fmt.Sprintf("sum%s (%s)", by(labels...), expr) }

// highest is the greatest value of an expression.
func highest(expr string, labels ...string) string {
	return fmt.Sprintf("max%s (%s)", by(labels...), expr)
}

// rate adds up how often a counter rises in a second.
func rate(m metric, labels ...string) string {
	return sum("rate("+m.selector("")+window+")", labels...)
}

// rate is rate of a counter about exchanges, SLOs or calls. With Recorded it is what the rules
// have recorded, unless it asks for labels that those do not keep.
func (w writer) rate(m metric, labels ...string) string {
	if w.Recorded && !slices.Contains(labels, "pod") && !slices.Contains(labels, "upstream") {
		return sum(recorded(m).selector(recordedRate), labels...)
	}
	return rate(m, labels...)
}

// ofPods is an expression with a value for each pod. With Recorded it is what the rules have
// recorded of it, over all models.
func (w writer) ofPods(p perPod) string {
	if w.Recorded {
		return metric{name: p.record, matchers: ofTarget}.gauge()
	}
	return p.expr(w)
}

// byModelNow adds up a gauge of what is under way by model. A request has no model before
// headway has read that far, and one of an API that headway does not read never has one.
func byModelNow(name string) string {
	return fmt.Sprintf(`label_replace(%s, "model", "no model", "model", "")`, sum(traffic(name).gauge(), "model"))
}

// share divides. Nothing divided by nothing is no value, and the picture has a gap there.
func share(above, below string) string { return above + "\n/\n(" + below + " > 0)" }

// rated is how fast the series of a histogram rise, added up by labels. With Recorded it is
// what the rules have recorded, over all pods.
func (w writer) rated(m metric, suffix string, labels ...string) string {
	if w.Recorded {
		return sum(recorded(m).selector(suffix+recordedRate), labels...)
	}
	return sum("rate("+m.selector(suffix)+window+")", labels...)
}

// quantile is a quantile of a histogram, for each combination of labels.
func (w writer) quantile(q float64, m metric, labels ...string) string {
	if w.Histograms == Native {
		return fmt.Sprintf("histogram_quantile(%s, %s)", number(q), w.rated(m, "", labels...))
	}
	return fmt.Sprintf("histogram_quantile(%s, %s)", number(q), w.rated(m, "_bucket", append([]string{"le"}, labels...)...))
}

// count is how many samples a histogram takes in a second.
func (w writer) count(m metric, labels ...string) string {
	if w.Histograms == Native {
		return fmt.Sprintf("histogram_count(%s)", w.rated(m, "", labels...))
	}
	return w.rated(m, "_count", labels...)
}

// mean is the mean of a histogram's samples.
func (w writer) mean(m metric, labels ...string) string {
	if w.Histograms == Native {
		return fmt.Sprintf("histogram_avg(%s)", w.rated(m, "", labels...))
	}
	return share(w.rated(m, "_sum", labels...), w.count(m, labels...))
}

// within is the share of a histogram's samples up to bound, which is one of its bounds.
func (w writer) within(bound float64, m metric, labels ...string) string {
	if w.Histograms == Native {
		return fmt.Sprintf("histogram_fraction(0, %s, %s)", number(bound), w.rated(m, "", labels...))
	}
	le := m
	le.matchers += fmt.Sprintf(",le=~%q", bounds(bound))
	return share(w.rated(le, "_bucket", labels...), w.count(m, labels...))
}

// bounds matches a bound of classic buckets: Prometheus 3 writes 1.0, Prometheus 2 wrote 1.
func bounds(bound float64) string {
	text := number(bound)
	if !strings.Contains(text, ".") {
		return text + "|" + text + `.0`
	}
	return text
}

// beyond is the share of samples above bound.
func (w writer) beyond(bound float64, m metric, labels ...string) string {
	return "1 - " + w.within(bound, m, labels...)
}

// heat is a heat map of a histogram.
func (w writer) heat(m metric) query {
	if w.Histograms == Native {
		return query{expr: w.rated(m, ""), heat: true}
	}
	return query{expr: w.rated(m, "_bucket", "le"), legend: "{{le}}", heat: true}
}

// quantiles are lines of the p50, p95 and p99 of a histogram, with exemplars.
func (w writer) quantiles(m metric) []query {
	return []query{
		{expr: w.quantile(0.5, m), legend: "p50"},
		{expr: w.quantile(0.95, m), legend: "p95"},
		{expr: w.quantile(0.99, m), legend: "p99", exemplars: true},
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
