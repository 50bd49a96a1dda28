package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/slo"
)

// Selector is the PromQL selector of the requests that s judged, with further
// matchers such as verdict="bad".
func Selector(s *slo.SLO, matchers ...string) string {
	return selector("headway_slo_requests_total", s, matchers...)
}

// selector is metric{slo="…",matchers}.
func selector(metric string, s *slo.SLO, matchers ...string) string {
	return metric + "{" + strings.Join(append([]string{"slo=" + strconv.Quote(s.Name)}, matchers...), ",") + "}"
}

// by is a by clause with labels, and with those that keep parts of the fleet apart.
func (p *plan) by(labels ...string) string {
	all := slices.Concat(labels, p.slo.Alerting.By)
	if len(all) == 0 {
		return ""
	}
	return " by (" + strings.Join(all, ", ") + ")"
}

// byFleet is by without the labels that only counted exchanges have, because a sidecar
// reports its SLOs before it knows any model.
func (p *plan) byFleet() string {
	q := *p
	s := *p.slo
	s.Alerting.By = p.fleetLabels()
	q.slo = &s
	return q.by("slo")
}

func (p *plan) fleetLabels() []string {
	return slices.DeleteFunc(slices.Clone(p.slo.Alerting.By), func(label string) bool {
		return label == "operation" || label == "model" || label == "upstream"
	})
}

// windowIs matches one window of a recorded series.
func windowIs(w time.Duration) string { return "window=" + strconv.Quote(promDuration(w)) }

// traffic matches the series of the operation, model and upstream that s judges, as far as
// labels can tell: no label has the header, the size or stream.
func traffic(s *slo.SLO) string {
	var matchers []string
	for _, m := range [][2]string{{"operation", string(s.Match.Operation)}, {"model", s.Match.Model}, {"upstream", s.Match.Upstream}} {
		label, pattern := m[0], m[1]
		switch {
		case pattern == "":
		case strings.Contains(pattern, "*"):
			matchers = append(matchers, label+"=~"+strconv.Quote(expression(pattern)))
		default:
			matchers = append(matchers, label+"="+strconv.Quote(pattern))
		}
	}
	return strings.Join(matchers, ",")
}

// expression is a pattern with * as a regular expression. Prometheus anchors it.
func expression(pattern string) string {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return strings.Join(parts, ".*")
}

// promDuration is d in Prometheus' spelling, in the greatest whole units below a week.
func promDuration(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.d
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// number is v in decimal with twelve digits at most: enough to tell any objective
// from any other, and few enough to hide rounding.
func number(v float64) string {
	return strconv.FormatFloat(parseFloat(strconv.FormatFloat(v, 'g', 12, 64)), 'f', -1, 64)
}

// parseFloat reads a text of FormatFloat.
func parseFloat(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return v
}

// seconds is d in seconds, as a PromQL number.
func seconds(d time.Duration) string { return number(d.Seconds()) }
