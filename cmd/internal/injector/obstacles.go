package injector

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/pod"
)

// obstacles returns what in p stands in the way of the sidecar that a asks for. Each begins
// with the annotation, the container or the field in question.
func obstacles(p *corev1.Pod, ns *Namespace, a *ask) []string {
	all := slices.Concat(there(p), ports(p, a), volumes(p, a))
	if p.Spec.HostNetwork {
		all = append(all, "spec.hostNetwork: true: the sidecar's ports, and redirected connections, would be those of the whole node")
	}
	if p.Spec.OS != nil && p.Spec.OS.Name == corev1.Windows || p.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows) {
		all = append(all, "the pod is for Windows: headway's image is for Linux")
	}
	if a.mode == pod.Transparent {
		all = slices.Concat(all, mesh(p, ns), sameUser(p), podSecurity(ns))
	}
	return all
}

// there finds a sidecar that somebody else put into the pod.
func there(p *corev1.Pod) []string {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if c.Name == pod.Container || c.Name == pod.Redirect || isSidecar(&c) {
			return []string{fmt.Sprintf("container %s: the pod has a sidecar already; take it out of the pod, or write %s: \"false\"", c.Name, Inject)}
		}
	}
	return nil
}

// isSidecar says whether c runs headway's image as a sidecar.
func isSidecar(c *corev1.Container) bool {
	path, _, _ := strings.Cut(c.Image, "@")
	name := path[strings.LastIndex(path, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name == "headway" && (len(c.Args) == 0 || c.Args[0] == "run")
}

// ports finds ports of the sidecar that a container of the pod declares for itself.
func ports(p *corev1.Pod, a *ask) []string {
	var all []string
	taken := a.sidecar.Ports()
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, port := range c.Ports {
			if port.Name == pod.AdminPort {
				all = append(all, fmt.Sprintf("container %s: its port has the name %s, by which scrapers find the sidecar", c.Name, port.Name))
			}
			for _, variable := range slices.Sorted(maps.Keys(taken)) {
				if port.ContainerPort != taken[variable] || port.Protocol == corev1.ProtocolUDP || port.Protocol == corev1.ProtocolSCTP {
					continue
				}
				host := "0.0.0.0"
				if strings.HasSuffix(variable, "_LISTEN") && !strings.Contains(variable, "ADMIN") && !strings.Contains(variable, "TRANSPARENT") {
					host = "127.0.0.1"
				}
				all = append(all, fmt.Sprintf("container %s: port %d is also the sidecar's; choose another one for the sidecar, for example %s: %s:%d",
					c.Name, port.ContainerPort, AnnotationOf(variable), host, port.ContainerPort+1000))
			}
		}
	}
	return all
}

func volumes(p *corev1.Pod, a *ask) []string {
	var all []string
	for _, own := range a.sidecar.Volumes() {
		if slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == own.Name }) {
			all = append(all, fmt.Sprintf("volume %s: the sidecar needs this name for a volume of its own", own.Name))
		}
	}
	return all
}

// The labels and annotations of others that say what happens to a pod.
const (
	istioInjection   = "istio-injection"
	istioRevision    = "istio.io/rev"
	linkerdInject    = "linkerd.io/inject"
	podSecurityLevel = "pod-security.kubernetes.io/enforce"
)

// mesh finds a service mesh, which redirects the pod's outbound connections, too. The rules
// that come first win, and which ones do depends on the order of two webhooks.
func mesh(p *corev1.Pod, ns *Namespace) []string {
	const why = "%s: %s redirects the pod's outbound connections, too, and only one of the two gets them: write %s: explicit, which works beside it"
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if name, _, ok := strings.Cut(c.Name, "-"); ok && (name == "istio" || name == "linkerd") {
			return []string{fmt.Sprintf(why, "container "+c.Name, name, mode)}
		}
	}
	if p.Labels["sidecar.istio.io/inject"] == "false" || p.Annotations["sidecar.istio.io/inject"] == "false" || p.Annotations[linkerdInject] == "disabled" {
		return nil
	}
	for _, m := range []struct {
		mesh, key string
		values    []string
		of        []map[string]string
	}{
		{"istio", "sidecar.istio.io/inject", []string{"true"}, []map[string]string{p.Labels, p.Annotations}},
		{"istio", "sidecar.istio.io/status", nil, []map[string]string{p.Annotations}},
		{"istio", istioInjection, []string{"enabled"}, []map[string]string{ns.Labels}},
		{"istio", istioRevision, nil, []map[string]string{ns.Labels, p.Labels}},
		{"linkerd", linkerdInject, []string{"enabled", "ingress"}, []map[string]string{p.Annotations, ns.Annotations}},
	} {
		for _, of := range m.of {
			if value, ok := of[m.key]; ok && (m.values == nil || slices.Contains(m.values, value)) {
				return []string{fmt.Sprintf(why, m.key, m.mesh, mode)}
			}
		}
	}
	return nil
}

// sameUser finds containers whose connections the rules of transparent mode leave alone,
// because they run as the sidecar's user. The user of an image is not to be seen here.
func sameUser(p *corev1.Pod) []string {
	var all []string
	for _, c := range p.Spec.Containers {
		user := int64(0)
		if s := p.Spec.SecurityContext; s != nil && s.RunAsUser != nil {
			user = *s.RunAsUser
		}
		if s := c.SecurityContext; s != nil && s.RunAsUser != nil {
			user = *s.RunAsUser
		}
		if user == pod.User {
			all = append(all, fmt.Sprintf("container %s: it runs as the user of the sidecar, %d, whose connections nothing redirects; choose another runAsUser", c.Name, pod.User))
		}
	}
	return all
}

// podSecurity finds a Pod Security Standard that the namespace enforces and that refuses the
// capability of transparent mode. The API server would refuse the pod.
func podSecurity(ns *Namespace) []string {
	if level := ns.Labels[podSecurityLevel]; level == "baseline" || level == "restricted" {
		return []string{fmt.Sprintf("%s: transparent needs NET_ADMIN in an init container, and the namespace's label %s: %s refuses it; write %s: explicit", mode, podSecurityLevel, level, mode)}
	}
	return nil
}
