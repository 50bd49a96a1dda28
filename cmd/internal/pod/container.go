package pod

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// InitContainers returns the containers of the sidecar in the order in which they start:
// in transparent mode the one that makes the rules of the packet filter, and then the
// sidecar itself, a native one (Kubernetes 1.29 or newer).
func (s *Sidecar) InitContainers() []corev1.Container {
	if s.settings.Mode == Transparent {
		return []corev1.Container{s.redirect(), s.container()}
	}
	return []corev1.Container{s.container()}
}

func (s *Sidecar) container() corev1.Container {
	always := corev1.ContainerRestartPolicyAlways
	startup, ready, live := s.probe("startup"), s.probe("ready"), s.probe("live")
	startup.PeriodSeconds, startup.FailureThreshold = 1, 60
	ready.PeriodSeconds = 5
	live.PeriodSeconds, live.TimeoutSeconds, live.FailureThreshold = 10, 5, 3 // a restart cuts streams
	return corev1.Container{
		Name: Container, Image: s.settings.Image, ImagePullPolicy: s.settings.PullPolicy,
		RestartPolicy: &always,
		Args:          []string{"run"},
		Env:           s.environment(),
		Ports:         []corev1.ContainerPort{{Name: AdminPort, ContainerPort: Port(s.Config.AdminListen)}},
		VolumeMounts:  s.mounts(),
		StartupProbe:  startup, ReadinessProbe: ready, LivenessProbe: live,
		Resources:       s.settings.Resources,
		SecurityContext: restricted(),
	}
}

// redirect is the one container with a capability. It ends before the others start.
func (s *Sidecar) redirect() corev1.Container {
	c := restricted()
	root, no := int64(0), false
	c.RunAsUser, c.RunAsNonRoot, c.RunAsGroup = &root, &no, nil // an added capability takes effect for root only
	c.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
	return corev1.Container{
		Name: Redirect, Image: s.settings.Image, ImagePullPolicy: s.settings.PullPolicy,
		Args: []string{"redirect", "install",
			fmt.Sprintf("--to=%d", Port(s.Config.TransparentListen)), fmt.Sprintf("--exclude-uid=%d", User)},
		SecurityContext: c,
	}
}

// restricted is what the Pod Security Standard of that name asks for, and a read-only root.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
func restricted() *corev1.SecurityContext {
	user, yes, no := int64(User), true, false
	return &corev1.SecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user,
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// environment returns the variables of the sidecar. The kubelet replaces $(NAME) in a value,
// so a value with such a text is escaped: the sidecar gets exactly what was checked.
func (s *Sidecar) environment() []corev1.EnvVar {
	var all []corev1.EnvVar
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		all = append(all, corev1.EnvVar{Name: name, Value: strings.ReplaceAll(s.env[name], "$(", "$$(")})
	}
	for _, field := range []struct{ key, path string }{
		{"POD_NAME", "metadata.name"}, {"POD_UID", "metadata.uid"}, {"POD_NAMESPACE", "metadata.namespace"}, {"NODE_NAME", "spec.nodeName"},
	} {
		if _, chosen := s.env[config.Prefix+field.key]; chosen {
			continue
		}
		from := &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: field.path}}
		all = append(all, corev1.EnvVar{Name: config.Prefix + field.key, ValueFrom: from})
	}
	return all
}

func (s *Sidecar) mounts() []corev1.VolumeMount {
	var all []corev1.VolumeMount
	for _, v := range s.Volumes() {
		switch v.Name {
		case ConfigVolume: // the folder, since a mount of one file never changes
			all = append(all, corev1.VolumeMount{Name: v.Name, MountPath: ConfigDir, ReadOnly: true})
		case DataVolume:
			all = append(all, corev1.VolumeMount{Name: v.Name, MountPath: DataDir})
		}
	}
	return all
}

// probe asks for one of the three states of health. With a web configuration the admin
// port may want TLS, or a certificate that the kubelet does not have, so that the probe
// only connects.
func (s *Sidecar) probe(state string) *corev1.Probe {
	port := intstr.FromInt32(Port(s.Config.AdminListen))
	if s.Config.AdminWebConfig != "" {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: port}}}
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz/" + state, Port: port}}}
}
