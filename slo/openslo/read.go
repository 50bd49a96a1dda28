package openslo

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
)

// Parse reads OpenSLO documents as SLOs; its Problems and Warnings use that name. A part
// that headway cannot honour is an error if the SLO cannot be judged without it, and a
// warning otherwise. The error is slo.Problems or the reader's.
func Parse(name string, in io.Reader) (slo.Set, []slo.Warning, error) {
	objects, err := Decode(name, in)
	if err != nil {
		return slo.Set{}, nil, err
	}
	r := &reader{file: name, objects: objects, used: map[*Object]bool{}}
	var set slo.Set
	for i := range objects {
		if spec, ok := objects[i].Spec.(*SLOSpec); ok {
			if s, ok := r.slo(&objects[i], spec); ok {
				set.SLOs = append(set.SLOs, s)
			}
			set.First = set.First || objects[i].Metadata.Annotations[prefix+"first"] == "true"
		}
	}
	if len(set.SLOs) == 0 && len(r.wrong) == 0 {
		r.wrong = slo.Problems{{File: name, Wrong: "there is no document of kind SLO", Right: "add one"}}
	}
	r.wrong = append(r.wrong, slo.Check(set)...)
	if len(r.wrong) > 0 {
		return slo.Set{}, nil, r.wrong
	}
	r.unused()
	return set, slices.Compact(r.lost), nil
}

// reader makes SLOs of objects.
type reader struct {
	file    string
	objects []Object
	used    map[*Object]bool // by reference
	wrong   slo.Problems
	lost    []slo.Warning
}

// problem is a Problem of o at the value of path.
func (r *reader) problem(o *Object, path, wrong, right string) slo.Problem {
	return slo.Problem{
		File: r.file, Line: o.line(strings.Split(path, ".")...), Key: string(o.Kind) + " " + o.Metadata.Name + ": " + path,
		Wrong: wrong, Right: right,
	}
}

func (r *reader) refuse(o *Object, path, wrong, right string) {
	r.wrong = append(r.wrong, r.problem(o, path, wrong, right))
}

func (r *reader) lose(o *Object, path, wrong, right string) {
	r.lost = append(r.lost, r.problem(o, path, wrong, right))
}

// find is the object of that name, nil when there is none.
func (r *reader) find(kind Kind, name string) *Object {
	for i := range r.objects {
		if o := &r.objects[i]; o.Kind == kind && o.Metadata.Name == name {
			r.used[o] = true
			return o
		}
	}
	return nil
}

// unused warns of the objects to which no SLO refers.
func (r *reader) unused() {
	for i := range r.objects {
		switch o := &r.objects[i]; {
		case o.Kind == KindSLO || r.used[o]:
		case o.Kind == KindSLI || o.Kind == KindPolicy || o.Kind == KindCondition:
			r.lose(o, "metadata.name", "no SLO refers to it", "leave it out")
		default:
			r.lose(o, "kind", "headway has no use for it", "leave it out")
		}
	}
}

// document is an SLO as in headway's own file; its parts are YAML.
type document struct {
	Name      string     `yaml:"name"`
	Objective string     `yaml:"objective"`
	Window    string     `yaml:"window"`
	Match     *yaml.Node `yaml:"match,omitempty"`
	Good      *yaml.Node `yaml:"good,omitempty"`
	Exclude   *yaml.Node `yaml:"exclude,omitempty"`
	Judge     *yaml.Node `yaml:"judge,omitempty"`
	Alerting  *yaml.Node `yaml:"alerting,omitempty"`
}

// slo reads one SLO. It puts the parts together as headway's own file, and slo.Parse reads
// that file, so that one place knows the rules for all parts.
func (r *reader) slo(o *Object, spec *SLOSpec) (slo.SLO, bool) {
	before := len(r.wrong)
	d := &document{Name: o.Metadata.Name}
	if name := o.Metadata.Annotations[prefix+"name"]; name != "" && (&slo.SLO{Name: name}).DNSLabel() == o.Metadata.Name {
		d.Name = name
	}
	r.annotations(o, d)
	r.budget(o, spec, d)
	r.indicator(o, spec, d)
	r.ornaments(o, spec)
	alerting := r.alerting(o, spec)
	if len(r.wrong) > before {
		return slo.SLO{}, false
	}
	if d.Alerting == nil && (alerting.Page || alerting.Ticket) {
		d.Alerting = node(map[string]any{"page": alerting.Page, "ticket": alerting.Ticket})
	}
	s, ok := r.assemble(o, d)
	if ok {
		s.Alerting.Page, s.Alerting.Ticket = alerting.Page, alerting.Ticket
		r.compare(o, spec, &s)
	}
	return s, ok
}

// annotations reads headway's own keys.
func (r *reader) annotations(o *Object, d *document) {
	for _, key := range slices.Sorted(maps.Keys(o.Metadata.Annotations)) {
		name, ours := strings.CutPrefix(key, prefix)
		if !ours {
			r.lose(o, "metadata.annotations", key+" is not headway's", "leave it for others to read")
			continue
		}
		if name == "name" || name == "first" {
			continue
		}
		to := d.part(name)
		if to == nil {
			r.refuse(o, "metadata.annotations", key+" is no key of an SLO", "write one of "+prefix+strings.Join(kept(), ", "+prefix))
			continue
		}
		var n yaml.Node
		if err := yaml.Load([]byte(o.Metadata.Annotations[key]), &n); err != nil {
			r.refuse(o, "metadata.annotations", key+" is neither JSON nor YAML", "write it as in headway's own SLO file")
			continue
		}
		*to = content(&n)
	}
}

// part returns the field of d for a key of an SLO.
func (d *document) part(key string) **yaml.Node {
	switch key {
	case "match":
		return &d.Match
	case "good":
		return &d.Good
	case "exclude":
		return &d.Exclude
	case "judge":
		return &d.Judge
	case "alerting":
		return &d.Alerting
	}
	return nil
}

func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

// budget reads objective and window.
func (r *reader) budget(o *Object, spec *SLOSpec, d *document) {
	if spec.BudgetingMethod != "Occurrences" {
		r.refuse(o, "spec.budgetingMethod", strconv.Quote(spec.BudgetingMethod)+" is not how headway counts: every request is an event", "write Occurrences")
	}
	switch {
	case len(spec.TimeWindow) != 1:
		r.refuse(o, "spec.timeWindow", fmt.Sprintf("there are %d", len(spec.TimeWindow)), "write one: [{duration: 30d, isRolling: true}]")
	case spec.TimeWindow[0].Calendar != nil || spec.TimeWindow[0].IsRolling == nil || !*spec.TimeWindow[0].IsRolling:
		r.refuse(o, "spec.timeWindow.isRolling", "headway's windows roll, and begin on no date", "write isRolling: true and no calendar")
	default:
		w := spec.TimeWindow[0].Duration
		if _, ok := duration(w); !ok {
			r.refuse(o, "spec.timeWindow.duration", strconv.Quote(w)+" has no one length", "write minutes, hours, days or weeks: 30d")
		}
		d.Window = w
	}
	if len(spec.Objectives) != 1 {
		r.refuse(o, "spec.objectives", fmt.Sprintf("there are %d", len(spec.Objectives)), "write an SLO for each")
		return
	}
	switch only := spec.Objectives[0]; {
	case only.Indicator != nil || only.IndicatorRef != "" || only.CompositeWeight != nil:
		r.refuse(o, "spec.objectives", "a composite SLO cannot be judged", "write an SLO for each, or all thresholds into one")
	case only.TimeSliceTarget != nil || only.TimeSliceWindow != nil:
		r.refuse(o, "spec.objectives", "there are no time slices", "leave timeSliceTarget and timeSliceWindow out")
	case (only.Target == nil) == (only.TargetPercent == nil):
		r.refuse(o, "spec.objectives", "it needs target or targetPercent, and not both", "write targetPercent: 99")
	case only.Target != nil:
		d.Objective = strconv.FormatFloat(*only.Target*100, 'g', 12, 64)
	default:
		d.Objective = strconv.FormatFloat(*only.TargetPercent, 'g', -1, 64)
	}
}

// ornaments warns of texts for people, for which headway's file has no place.
func (r *reader) ornaments(o *Object, spec *SLOSpec) {
	lose := func(there bool, path string) {
		if there {
			r.lose(o, path, "headway's file has no place for it", "keep the OpenSLO document for people to read")
		}
	}
	lose(o.Metadata.DisplayName != "", "metadata.displayName")
	lose(len(o.Metadata.Labels) > 0, "metadata.labels")
	lose(spec.Description != "", "spec.description")
	lose(spec.Service != "", "spec.service")
	lose(len(spec.Objectives) == 1 && spec.Objectives[0].DisplayName != "", "spec.objectives.displayName")
}

// assemble makes slo.Parse read d.
func (r *reader) assemble(o *Object, d *document) (slo.SLO, bool) {
	text, err := yaml.Dump(map[string]any{"slos": []*document{d}})
	if err != nil {
		r.refuse(o, "spec", err.Error(), "compare it with the output of headway slo convert --to openslo")
		return slo.SLO{}, false
	}
	set, warnings, err := slo.Parse(r.file, bytes.NewReader(text))
	if problems, ok := err.(slo.Problems); ok { //nolint:errorlint // slo.Parse documents the type, unwrapped
		for _, p := range problems {
			r.refuse(o, "metadata.annotations", strings.TrimPrefix(p.Key, "slos[0].")+": "+p.Wrong, p.Right)
		}
		return slo.SLO{}, false
	}
	if err != nil {
		r.refuse(o, "spec", err.Error(), "compare it with the output of headway slo convert --to openslo")
		return slo.SLO{}, false
	}
	for _, w := range warnings {
		r.lose(o, "metadata.annotations", strings.TrimPrefix(w.Key, "slos[0].")+": "+w.Wrong, w.Right)
	}
	s := set.SLOs[0]
	s.Place(r.file, "SLO "+o.Metadata.Name, map[string]int{
		"": o.line(), "name": o.line("metadata", "name"), "window": o.line("spec", "timeWindow", "duration"),
		"objective": o.line("spec", "objectives"), "alerting": o.line("spec", "alertPolicies"),
		"good": o.line("spec", "indicator"), "match": o.line("metadata", "annotations"),
	})
	return s, true
}
