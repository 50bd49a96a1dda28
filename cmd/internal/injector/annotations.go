package injector

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/pod"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// The annotations of a pod that are not settings of the sidecar. Inject is a label, too: of
// pods, and of namespaces. Strict is a label of namespaces.
const (
	domain = "headway.dev/"

	Inject = domain + "inject"
	Strict = domain + "strict"

	mode          = domain + "mode"
	configMap     = domain + "config-map"
	image         = domain + "image"
	cpuRequest    = domain + "cpu-request"
	memoryRequest = domain + "memory-request"
	memoryLimit   = domain + "memory-limit"

	status  = domain + "status" // the injector writes these two
	version = domain + "version"

	injected = "injected"
)

// Annotation is an annotation of a pod that the injector reads.
type Annotation struct {
	Name    string
	Example string
	Meaning string // in Markdown, without a full stop
}

// Annotations returns the annotations that are not settings of the sidecar.
func Annotations() []Annotation {
	return []Annotation{
		{Inject, `"true"`, "as a label of the pod: the pod gets a sidecar, or, with `\"false\"`, none. As an annotation it says the same, once the label of its namespace brought the pod here"},
		{mode, "transparent", "`explicit`, the default: the application's containers get the base URL. `transparent`: an init container redirects the pod's connections"},
		{configMap, "headway-slos", "a ConfigMap of the namespace, whose files the sidecar finds in `" + pod.ConfigDir + "`"},
		{image, "registry.example.com/headway:v1.2.3", "another image of the sidecar"},
		{cpuRequest, "100m", "CPU that the sidecar requests. It has no limit, because throttling would delay every token"},
		{memoryRequest, "96Mi", "memory that the sidecar requests"},
		{memoryLimit, "512Mi", "limit of its memory, at least 32Mi"},
	}
}

// fromPod are the variables that the sidecar gets from the fields of its pod.
func fromPod() []string {
	return []string{config.Prefix + "POD_NAME", config.Prefix + "POD_UID", config.Prefix + "POD_NAMESPACE", config.Prefix + "NODE_NAME"}
}

// Settable returns the variables that have an annotation.
func Settable() []config.Variable {
	return slices.DeleteFunc(config.Variables(), func(v config.Variable) bool { return slices.Contains(fromPod(), v.Name) })
}

// AnnotationOf returns the annotation of a variable of headway's: headway.dev/slo-file for
// HEADWAY_SLO_FILE.
func AnnotationOf(variable string) string {
	return domain + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, config.Prefix)), "_", "-")
}

// ask is what a pod asks for.
type ask struct {
	sidecar  *pod.Sidecar
	mode     pod.Mode
	problems []string // each begins with its annotation
	warnings []string // of values that are odd but no problem
}

func (a *ask) problemf(name, format string, args ...any) {
	a.problems = append(a.problems, name+": "+fmt.Sprintf(format, args...))
}

// read reads the annotations of p, over the defaults of s.
func read(p *corev1.Pod, s *Settings) *ask {
	a := &ask{}
	wanted := pod.Settings{Image: s.Image, PullPolicy: s.PullPolicy, Mode: pod.Explicit, Env: maps.Clone(s.Env), Resources: *s.Resources.DeepCopy()}
	if wanted.Env == nil {
		wanted.Env = map[string]string{}
	}
	for _, list := range []*corev1.ResourceList{&wanted.Resources.Requests, &wanted.Resources.Limits} {
		if *list == nil {
			*list = corev1.ResourceList{}
		}
	}
	variables := map[string]string{}
	for _, v := range Settable() {
		variables[AnnotationOf(v.Name)] = v.Name
	}
	for _, name := range slices.Sorted(maps.Keys(p.Annotations)) {
		value := p.Annotations[name]
		switch variable := variables[name]; {
		case !strings.HasPrefix(name, domain), name == Inject, name == status, name == version:
		case variable != "":
			wanted.Env[variable] = value
		default:
			a.one(name, value, &wanted)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Labels)) {
		if strings.HasPrefix(name, domain) && name != Inject {
			a.problemf(name, "has no effect as a label: write it as an annotation")
		}
	}
	a.checkMemory(&wanted.Resources)
	a.mode = wanted.Mode
	var err error
	a.sidecar, err = pod.New(wanted)
	a.ofVariables(err)
	for _, w := range a.sidecar.Config.Warnings {
		a.warnings = append(a.warnings, named(w.Error()))
	}
	return a
}

// reference matches the name of an image: a host perhaps, a path, and a tag or a digest.
// https://github.com/distribution/reference
var reference = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?$`)

// one reads an annotation that is no setting of the sidecar.
func (a *ask) one(name, value string, wanted *pod.Settings) {
	switch name {
	case mode:
		wanted.Mode = pod.Mode(value)
		if err := config.OneOf(wanted.Mode, pod.Explicit, pod.Transparent); err != nil {
			a.problemf(name, "%v; for example %s: %s", err, mode, pod.Transparent)
			wanted.Mode = pod.Explicit
		}
	case configMap:
		if faults := validation.IsDNS1123Subdomain(value); len(faults) > 0 {
			a.problemf(name, "%q is no name of a ConfigMap; for example %s: headway-slos", value, configMap)
		}
		wanted.ConfigMap = value
	case image:
		if !reference.MatchString(value) {
			a.problemf(name, "%q is no name of an image; for example %s: registry.example.com/headway:v1.2.3", value, image)
		}
		wanted.Image = value
	case cpuRequest:
		a.quantity(name, value, "100m", wanted.Resources.Requests, corev1.ResourceCPU)
	case memoryRequest:
		a.quantity(name, value, "96Mi", wanted.Resources.Requests, corev1.ResourceMemory)
	case memoryLimit:
		a.quantity(name, value, "512Mi", wanted.Resources.Limits, corev1.ResourceMemory)
	default:
		a.problemf(name, "%v", unknown(name))
	}
}

func (a *ask) quantity(name, value, example string, to corev1.ResourceList, resourceName corev1.ResourceName) {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		a.problemf(name, "%q is no quantity above 0; for example %s: %s", value, name, example)
		return
	}
	to[resourceName] = q
}

// checkMemory refuses a limit in which the sidecar could not live, and a request above it.
func (a *ask) checkMemory(r *corev1.ResourceRequirements) {
	limit, limited := r.Limits[corev1.ResourceMemory]
	request := r.Requests[corev1.ResourceMemory]
	if !limited {
		return
	}
	if limit.Cmp(resource.MustParse("32Mi")) < 0 {
		a.problemf(memoryLimit, "%q is less than 32Mi, which an idle sidecar needs; for example %s: 256Mi", limit.String(), memoryLimit)
	} else if request.Cmp(limit) > 0 {
		a.problemf(memoryLimit, "%q is less than the request of %s; for example %s: %s", limit.String(), request.String(), memoryRequest, limit.String())
	}
}

// unknown is the error of an annotation that the injector does not know.
func unknown(name string) error {
	if slices.Contains(fromPod(), config.Prefix+strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(name, domain), "-", "_"))) {
		return errors.New("the sidecar gets it from its pod: leave the annotation out")
	}
	var known []string
	for _, a := range Annotations() {
		known = append(known, strings.TrimPrefix(a.Name, domain))
	}
	for _, v := range Settable() {
		known = append(known, strings.TrimPrefix(AnnotationOf(v.Name), domain))
	}
	if near := spelling.Nearest(strings.TrimPrefix(name, domain), known); len(near) > 0 {
		return fmt.Errorf("the injector knows no such annotation; did you mean %s%s?", domain, strings.Join(near, " or "+domain))
	}
	return errors.New("the injector knows no such annotation: docs/injector.md lists them")
}

// ofVariables notes the problems of variables as those of their annotations.
func (a *ask) ofVariables(err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		a.problems = append(a.problems, named(strings.TrimSpace(line)))
	}
}

// variableSet finds a variable of headway's with a value: HEADWAY_ROLE=client.
var variableSet = regexp.MustCompile(`\b` + config.Prefix + `[A-Z_]+=`)

// named is a message about a variable with the annotation in its place, at its beginning
// and in its examples.
func named(message string) string {
	variable, rest, ok := strings.Cut(message, ": ")
	if !ok || !strings.HasPrefix(variable, config.Prefix) {
		return message
	}
	rest = variableSet.ReplaceAllStringFunc(rest, func(v string) string { return AnnotationOf(strings.TrimSuffix(v, "=")) + ": " })
	return AnnotationOf(variable) + ": " + rest
}
