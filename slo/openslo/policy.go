package openslo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// alerting reads which alerts an SLO asks for: a policy with a condition of severity page
// or critical asks for pages, one of severity ticket or warning for tickets.
func (r *reader) alerting(o *Object, spec *SLOSpec) slo.Alerting {
	var a slo.Alerting
	for _, p := range spec.AlertPolicies {
		from, policy := resolve(r, o, "spec.alertPolicies", KindPolicy, p.Ref, p.Spec)
		if policy == nil {
			continue
		}
		r.ignored(from, policy)
		for _, c := range policy.Conditions {
			at, condition := resolve(r, from, "spec", KindCondition, c.Ref, c.Spec)
			if condition == nil {
				continue
			}
			switch condition.Severity {
			case "page", "critical":
				a.Page = true
			case "ticket", "warning":
				a.Ticket = true
			default:
				r.refuse(at, "spec", "severity "+strconv.Quote(condition.Severity)+" says neither whom to wake nor whom to let sleep", "write severity: page, or ticket")
			}
		}
	}
	return a
}

// resolve returns the spec inside o, or the one that ref names, and the object that holds
// the spec. It returns no spec where nothing has that name.
func resolve[S any](r *reader, o *Object, key string, kind Kind, ref string, inside *S) (*Object, *S) {
	if ref == "" {
		return o, inside
	}
	if found := r.find(kind, ref); found != nil {
		spec, _ := found.Spec.(*S)
		return found, spec
	}
	r.refuse(o, key, fmt.Sprintf("there is no %s called %s among the documents", kind, ref), "put it into the same file")
	return o, nil
}

// ignored warns of the parts of a policy that Alertmanager decides.
func (r *reader) ignored(o *Object, p *PolicySpec) {
	at := "spec"
	if o.Kind == KindSLO {
		at = "spec.alertPolicies"
	}
	if p.AlertWhenResolved != nil && *p.AlertWhenResolved {
		r.lose(o, at, "alertWhenResolved is not headway's to say", "set send_resolved in Alertmanager")
	}
	if p.AlertWhenBreaching != nil && !*p.AlertWhenBreaching {
		r.lose(o, at, "alertWhenBreaching: false is not honoured", "leave the policy out")
	}
	if p.AlertWhenNoData == nil || !*p.AlertWhenNoData {
		r.lose(o, at, "alertWhenNoData is always true", "silence "+rules.Absent+" in Alertmanager")
	}
	for _, n := range p.NotificationTargets {
		name := n.Ref
		if n.Spec != nil {
			name = n.Spec.Target
		} else {
			r.find(KindNotification, n.Ref)
		}
		if name != alertmanager {
			r.lose(o, at, "notification target "+name+" is not headway's to notify", "route severity and slo to it in Alertmanager")
		}
	}
}

// compare warns of conditions that headway's rules do not have.
func (r *reader) compare(o *Object, spec *SLOSpec, s *slo.SLO) {
	pairs := rules.Pairs(s, rules.Options{})
	for _, p := range spec.AlertPolicies {
		from, policy := resolve(r, o, "spec.alertPolicies", KindPolicy, p.Ref, p.Spec)
		if policy == nil {
			continue
		}
		for _, c := range policy.Conditions {
			at, condition := resolve(r, from, "spec", KindCondition, c.Ref, c.Spec)
			if condition != nil && !matches(condition, pairs) {
				b := condition.Condition
				threshold := 0.0
				if b.Threshold != nil {
					threshold = *b.Threshold
				}
				r.lose(at, "spec", fmt.Sprintf("%s at a burn rate %s %g over %s becomes %s", condition.Severity, b.Op, threshold, b.LookbackWindow, list(pairs)),
					"give headway rules a --windows file to have other windows")
			}
		}
	}
}

// matches says whether one of pairs is c.
func matches(c *ConditionSpec, pairs []rules.Pair) bool {
	b := c.Condition
	if b.Threshold == nil || (b.Op != "gt" && b.Op != "gte") || b.AlertAfter != "" {
		return false
	}
	for _, p := range pairs {
		if string(p.Severity) == c.Severity && p.Factor == *b.Threshold && shorthand(p.Long) == b.LookbackWindow {
			return true
		}
	}
	return false
}

func list(pairs []rules.Pair) string {
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = fmt.Sprintf("%s above %.4g over %s and %s", p.Severity, p.Factor, shorthand(p.Long), shorthand(p.Short))
	}
	return strings.Join(texts, ", ")
}
