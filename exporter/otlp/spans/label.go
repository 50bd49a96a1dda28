package spans

import "github.com/headway-sidecar/headway/proxy/exchange"

const (
	labelPrefix = "headway.label." // and the name of the label
	limitPrefix = "headway.limit." // and the indicator
)

// own are the attributes whose names the configuration or the indicators give.
type own struct {
	labels          []string                      // in the order of exchange.Record.Labels
	limits          map[exchange.Indicator]string // s, that the request allowed
	verdictOfLimits map[exchange.Indicator]string // of exchange.LimitVerdict
}

// ownOf returns the attributes for labels of these names.
func ownOf(labels []string) own {
	o := own{limits: map[exchange.Indicator]string{}, verdictOfLimits: map[exchange.Indicator]string{}}
	for _, name := range labels {
		o.labels = append(o.labels, labelPrefix+name)
	}
	for _, i := range exchange.Indicators() {
		o.limits[i], o.verdictOfLimits[i] = limitPrefix+i.String(), limitPrefix+i.String()+".verdict"
	}
	return o
}

// labelled adds the labels of r.
func (o *own) labelled(s *sheet, r *exchange.Record) {
	for i, value := range r.Labels[:min(len(r.Labels), len(o.labels))] {
		s.str(o.labels[i], value)
	}
}

// limited adds the limits that the request of r set itself.
func (o *own) limited(s *sheet, r *exchange.Record) {
	for i := range r.Limits {
		l := &r.Limits[i]
		s.double(o.limits[l.Indicator], l.Limit.Seconds())
		s.str(o.verdictOfLimits[l.Indicator], string(l.Verdict))
	}
}
