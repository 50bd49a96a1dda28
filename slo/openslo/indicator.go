package openslo

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// source is the type of a metricSource that stands for headway itself, in the words of
// headway's own file.
const source = "headway"

// indicator reads the objectives of good requests. A document has them in one of three
// places: in headway's annotations, beside queries that read the same from Prometheus; in
// a ratioMetric of headway, whose good has good and whose total has match, exclude and
// judge; or in a thresholdMetric of headway, with one of headway's indicators and a value.
func (r *reader) indicator(o *Object, spec *SLOSpec, d *document) {
	from, sli := r.sli(o, spec)
	switch {
	case sli == nil:
	case d.Good != nil || d.Match != nil:
		r.queries(from, sli, d)
	case sli.ThresholdMetric != nil && sli.ThresholdMetric.Source.Type == source:
		r.threshold(o, spec, from, sli, d)
	case sli.RatioMetric != nil && sli.RatioMetric.Total != nil && sli.RatioMetric.Total.Source.Type == source:
		r.ratio(from, sli.RatioMetric, d)
	default:
		r.refuse(from, place(from, sli), "headway judges exchanges by what it measured itself, and cannot ask "+asked(sli),
			"say what is good in the annotation "+prefix+"good, or with a metricSource of type "+source)
	}
	if sli != nil && sli.Description != "" {
		r.lose(from, under(from)+"description", "headway's file has no place for it", "keep the OpenSLO document for people to read")
	}
}

// sli returns the indicator of an SLO and the object that holds it, nil when there is
// none.
func (r *reader) sli(o *Object, spec *SLOSpec) (*Object, *SLISpec) {
	switch {
	case (spec.Indicator == nil) == (spec.IndicatorRef == ""):
		r.refuse(o, "spec.indicator", "it needs indicator or indicatorRef, and not both", "write indicator")
	case spec.Indicator != nil:
		if spec.Indicator.Metadata.DisplayName != "" {
			r.lose(o, "spec.indicator.metadata.displayName", "headway's file has no place for it", "keep the OpenSLO document for people to read")
		}
		return o, &spec.Indicator.Spec
	default:
		if found := r.find(KindSLI, spec.IndicatorRef); found != nil {
			sli, _ := found.Spec.(*SLISpec)
			return found, sli
		}
		r.refuse(o, "spec.indicatorRef", "there is no SLI called "+spec.IndicatorRef+" among the documents", "put it into the same file")
	}
	return o, nil
}

// under is the path of an SLI's spec within the object that holds it.
func under(o *Object) string {
	if o.Kind == KindSLO {
		return "spec.indicator.spec."
	}
	return "spec."
}

func place(o *Object, sli *SLISpec) string {
	if sli.ThresholdMetric != nil {
		return under(o) + "thresholdMetric"
	}
	return under(o) + "ratioMetric"
}

// asked is the system that the queries of sli ask.
func asked(sli *SLISpec) string {
	var names []string
	add := func(m *Metric) {
		if m == nil {
			return
		}
		name := m.Source.Type
		if name == "" {
			name = m.Source.Ref
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(sli.ThresholdMetric)
	if q := sli.RatioMetric; q != nil {
		add(q.Good)
		add(q.Bad)
		add(q.Total)
		add(q.Raw)
	}
	if len(names) == 0 {
		return "anybody else"
	}
	return strings.Join(names, " or ")
}

// queries warns of queries that headway does not run, because it has the annotations. It
// knows headway's own queries, and does not warn of those.
func (r *reader) queries(from *Object, sli *SLISpec, d *document) {
	own := "slo=" + strconv.Quote(d.Name)
	for _, m := range []*Metric{sli.ThresholdMetric, good(sli), total(sli)} {
		if m == nil {
			continue
		}
		text, _ := m.Source.Spec["query"].(string)
		if !strings.HasPrefix(text, "headway_slo_requests_total{"+own) {
			r.lose(from, place(from, sli), "its query is not run: the annotations say which requests are good", "let it read what headway counts, or leave it for others")
			return
		}
	}
}

func good(sli *SLISpec) *Metric {
	if sli.RatioMetric == nil {
		return nil
	}
	return sli.RatioMetric.Good
}

func total(sli *SLISpec) *Metric {
	if sli.RatioMetric == nil {
		return nil
	}
	return sli.RatioMetric.Total
}

// ratio reads a ratioMetric of headway.
func (r *reader) ratio(from *Object, q *Ratio, d *document) {
	at := under(from) + "ratioMetric"
	if q.Good == nil || q.Bad != nil || q.Raw != nil || q.Good.Source.Type != source {
		r.refuse(from, at, "it needs good and total, both of headway", "write good: {metricSource: {type: "+source+", spec: {good: {ttft: 500ms}}}}")
		return
	}
	r.parts(from, at+".good", q.Good.Source.Spec, d, "good")
	r.parts(from, at+".total", q.Total.Source.Spec, d, "match", "exclude", "judge")
}

// threshold reads a thresholdMetric of headway, and the objective's value.
func (r *reader) threshold(o *Object, spec *SLOSpec, from *Object, sli *SLISpec, d *document) {
	at := under(from) + "thresholdMetric"
	rest := maps.Clone(sli.ThresholdMetric.Source.Spec)
	indicator, _ := rest["indicator"].(string)
	unit, _ := rest["unit"].(string)
	delete(rest, "indicator")
	delete(rest, "unit")
	known := func(i exchange.Indicator) bool { return i.String() == indicator && i != exchange.Error }
	if !slices.ContainsFunc(exchange.Indicators(), known) {
		r.refuse(from, at, fmt.Sprintf("indicator %q is none of headway's", indicator), "write indicator: ttft")
	}
	if unit != "s" && unit != "ms" {
		r.refuse(from, at, fmt.Sprintf("unit %q is neither s nor ms", unit), "write unit: ms")
	}
	if len(spec.Objectives) != 1 || spec.Objectives[0].Value == nil {
		r.refuse(o, "spec.objectives", "there is no value to compare with", "write value: 500 and op: lte")
		return
	}
	switch spec.Objectives[0].Op {
	case "lte":
	case "lt":
		r.lose(o, "spec.objectives.op", "lt is read as lte: a limit that is just kept is good", "write op: lte")
	default:
		r.refuse(o, "spec.objectives.op", strconv.Quote(spec.Objectives[0].Op)+" is no limit", "write op: lte")
	}
	limit := strconv.FormatFloat(*spec.Objectives[0].Value, 'f', -1, 64) + unit
	d.Good = node(map[string]any{indicator: limit})
	r.parts(from, at, rest, d, "match", "exclude", "judge")
}

// parts copies the allowed keys of a metricSource's spec to d.
func (r *reader) parts(from *Object, at string, spec map[string]any, d *document, allowed ...string) {
	for _, key := range slices.Sorted(maps.Keys(spec)) {
		if !slices.Contains(allowed, key) {
			r.refuse(from, at+".metricSource.spec", key+" has no meaning there", "write "+strings.Join(allowed, ", "))
			continue
		}
		*d.part(key) = node(spec[key])
	}
}

// node is v as YAML.
func node(v any) *yaml.Node {
	var n yaml.Node
	if err := n.Dump(v); err != nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: err.Error()}
	}
	return content(&n)
}
