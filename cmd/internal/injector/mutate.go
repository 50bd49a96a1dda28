// Package injector is a mutating admission webhook of Kubernetes: it puts a sidecar into
// pods that ask for one, or whose namespace does. It keeps the certificate of its endpoint
// by itself.
//
// Mutate, a pure function, decides about each pod. A pod that cannot get its sidecar
// is admitted as it came, with a warning, because measuring must never keep an application
// from starting.
package injector

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/pod"
)

// Namespace has what the injector knows of the namespace of a pod.
type Namespace struct {
	Name                string
	Labels, Annotations map[string]string
}

// strict says whether the namespace wants a refusal in place of a warning.
func (n *Namespace) strict() bool { return n.Labels[Strict] == "true" }

// Result is how an admission went. It is the label of the metric.
type Result string

// The results.
const (
	Injected  Result = "injected"  // the pod gets a sidecar, or what it lacks of one
	Unchanged Result = "unchanged" // the pod has all of it already
	Ignored   Result = "ignored"   // nobody asked for a sidecar
	Left      Result = "left"      // something stood in the way: the pod is admitted as it came
	Refused   Result = "refused"   // the same in a strict namespace
	Invalid   Result = "invalid"   // the request was no review of a new pod that can be read
)

// Results returns all results.
func Results() []Result { return []Result{Injected, Unchanged, Ignored, Left, Refused, Invalid} }

// Verdict is the answer about one pod.
type Verdict struct {
	Result   Result
	Patch    []Operation
	Warnings []string // for the user, and for an Event
	Refusal  string   // why the pod is refused; empty if it is admitted
}

// Mutate decides about a new pod. It is a pure function: it neither asks nor changes
// anything, p included. If it is called again with the pod that its patch makes, the
// second patch is empty. own is the namespace of the injector.
func Mutate(p *corev1.Pod, ns *Namespace, own string, s *Settings) Verdict {
	if slices.Contains([]string{"kube-system", "kube-node-lease", own}, ns.Name) {
		return Verdict{Result: Ignored}
	}
	asked, problem := asks(p, ns)
	switch {
	case problem != "":
		return left([]string{problem}, ns)
	case !asked:
		return Verdict{Result: Ignored}
	}
	a := read(p, s)
	before := done(p)
	problems := a.problems
	if !before {
		problems = append(problems, obstacles(p, ns, a)...)
	}
	if len(problems) > 0 {
		return left(problems, ns)
	}
	changes := patch{pod: p}
	warnings := slices.Concat(a.warnings, changes.baseURLs(a))
	if len(warnings) > 0 && ns.strict() {
		return left(warnings, ns)
	}
	if !before {
		changes.initContainers(a.sidecar.InitContainers())
		changes.volumes(a.sidecar.Volumes())
		changes.gracePeriod(a.sidecar.GracePeriod())
		changes.annotations(map[string]string{status: injected, version: build.Info().Version})
	}
	v := Verdict{Result: Injected, Patch: changes.operations, Warnings: marked("", warnings)}
	if len(v.Patch) == 0 {
		v.Result = Unchanged
	}
	return v
}

// baseURLs adds to each container of the application the variables that it lacks.
func (p *patch) baseURLs(a *ask) (warnings []string) {
	all, warnings := baseURLs(a)
	for i := range p.pod.Spec.Containers {
		c := &p.pod.Spec.Containers[i]
		if ofMesh(c) {
			continue
		}
		add, odd := missing(c, all)
		p.env(i, add)
		warnings = append(warnings, odd...)
	}
	return warnings
}

// asks says whether somebody asked for a sidecar: the pod itself, by a label or an
// annotation, or its namespace. The pod's word counts more, and a no more than a yes.
func asks(p *corev1.Pod, ns *Namespace) (asked bool, problem string) {
	label, annotation := p.Labels[Inject], p.Annotations[Inject]
	for _, value := range []string{label, annotation} {
		if value == "" {
			continue
		}
		if err := config.OneOf(value, "true", "false"); err != nil {
			return false, Inject + ": " + err.Error() + "; for example " + Inject + `: "true"`
		}
	}
	if label == "false" || annotation == "false" {
		return false, ""
	}
	return cmp.Or(label, annotation) == "true" || slices.Contains([]string{"enabled", "true"}, ns.Labels[Inject]), ""
}

// done says whether the injector has put its sidecar into p before.
func done(p *corev1.Pod) bool {
	return p.Annotations[status] == injected &&
		slices.ContainsFunc(p.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == pod.Container })
}

// left is the verdict on a pod that cannot get a sidecar, or not the one that it asks for.
func left(problems []string, ns *Namespace) Verdict {
	if ns.strict() {
		why := strings.Join(marked("", problems), "; ")
		return Verdict{Result: Refused, Warnings: marked("refused: ", problems), Refusal: why + ". The namespace is strict (label " + Strict + ")"}
	}
	return Verdict{Result: Left, Warnings: marked("no sidecar: ", problems)}
}

// longest is the length of a warning, in bytes. The API server may cut longer ones.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
const longest = 256

// most is how many warnings an answer has: API servers drop all of them beyond 4096 bytes.
const most = 14

// marked begins each message with the program and a word, and keeps it to one line of a
// length that the API server takes.
func marked(word string, messages []string) []string {
	var all []string
	for _, m := range messages {
		if len(all) == most-1 && len(messages) > most {
			return append(all, "headway: … and more")
		}
		m = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, strings.ToValidUTF8("headway: "+word+m, "?"))
		if len(m) > longest {
			m = strings.ToValidUTF8(m[:longest-len("…")], "") + "…"
		}
		all = append(all, m)
	}
	return all
}
