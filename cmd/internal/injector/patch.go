package injector

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Operation is one step of a JSON Patch (RFC 6902).
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch gathers operations for a pod. It names the places that change and nothing else, so
// that fields of the pod that this program does not know stay as they are.
type patch struct {
	pod        *corev1.Pod
	operations []Operation
}

func (p *patch) add(path string, value any) {
	p.operations = append(p.operations, Operation{"add", path, value})
}

// initContainers puts containers before all that are there.
func (p *patch) initContainers(all []corev1.Container) {
	if len(p.pod.Spec.InitContainers) == 0 {
		p.add("/spec/initContainers", all)
		return
	}
	for i := range all {
		p.add(fmt.Sprintf("/spec/initContainers/%d", i), all[i])
	}
}

func (p *patch) volumes(all []corev1.Volume) {
	if len(all) > 0 && len(p.pod.Spec.Volumes) == 0 {
		p.add("/spec/volumes", all)
		return
	}
	for i := range all {
		p.add("/spec/volumes/-", all[i])
	}
}

// env adds variables to a container.
func (p *patch) env(container int, all []corev1.EnvVar) {
	path := fmt.Sprintf("/spec/containers/%d/env", container)
	if len(all) > 0 && len(p.pod.Spec.Containers[container].Env) == 0 {
		p.add(path, all)
		return
	}
	for i := range all {
		p.add(path+"/-", all[i])
	}
}

// gracePeriod raises the grace period to seconds. It never lowers it.
func (p *patch) gracePeriod(seconds int64) {
	now := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if own := p.pod.Spec.TerminationGracePeriodSeconds; own != nil {
		now = *own
	}
	if now < seconds {
		p.add("/spec/terminationGracePeriodSeconds", seconds)
	}
}

func (p *patch) annotations(all map[string]string) {
	if len(p.pod.Annotations) == 0 {
		p.add("/metadata/annotations", all)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p.add("/metadata/annotations/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), all[name])
	}
}
