// Package pod is what a sidecar looks like in a pod: its containers, volumes and grace
// period. It makes them from settings, and knows nothing of admission. The injector puts
// them into pods, and tests compare them with deploy/kubernetes.
package pod

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// Mode is how the application's traffic comes to the sidecar.
type Mode string

// The modes.
const (
	Explicit    Mode = "explicit"    // the application has the sidecar's address as its base URL
	Transparent Mode = "transparent" // the packet filter redirects the pod's connections
)

// The names in a pod.
const (
	Container    = "headway"
	Redirect     = "headway-redirect"
	ConfigVolume = "headway-config"
	DataVolume   = "headway-data"
	AdminPort    = "headway-admin" // scrapers find the pod by it
)

// The folders of the sidecar that are volumes. Its root is read-only.
const (
	ConfigDir = "/etc/headway"
	DataDir   = "/var/lib/headway"
)

// User is the user and the group of the sidecar, whose connections the packet filter lets
// pass.
const User = 65532

// defaults are the settings of every sidecar in a pod where they differ from those of
// `headway run`: probes and scrapers come from outside the pod, and a grace period of more
// than two minutes would surprise whoever deletes the pod.
func defaults() map[string]string {
	return map[string]string{config.Prefix + "ADMIN_LISTEN": "0.0.0.0:8481", config.Prefix + "DRAIN_TIMEOUT": "110s"}
}

// transparentListen is the default address for redirected connections. It takes IPv6 too.
const transparentListen = "0.0.0.0:8482"

// Settings are what a pod can choose of its sidecar.
type Settings struct {
	Image      string
	PullPolicy corev1.PullPolicy // empty is Kubernetes' default
	Mode       Mode
	Env        map[string]string // of headway and of OpenTelemetry, beside the defaults
	ConfigMap  string            // its files are in ConfigDir; empty for none
	Resources  corev1.ResourceRequirements
}

// Resources are the default requests and limits. There is no limit of CPU, because
// throttling would delay every token.
func Resources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
	}
}

// Sidecar is a sidecar whose settings were checked.
type Sidecar struct {
	Config config.Config // of `headway run` in the pod, without the content of files

	settings Settings
	env      map[string]string
}

// New checks settings as `headway run --check` would in the pod. The error has every problem
// on a line that begins with its variable. If it is not nil, the Sidecar may be used for
// its Config alone, whose wrong fields have odd values.
func New(s Settings) (*Sidecar, error) {
	env := defaults()
	if s.Mode == Transparent {
		env[config.Prefix+"TRANSPARENT_LISTEN"] = transparentListen
	}
	for name, value := range s.Env {
		env[name] = value
	}
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	slices.Sort(environ)
	c, err := config.ReadElsewhere(environ, []string{ConfigDir, DataDir})
	sidecar := &Sidecar{Config: c, settings: s, env: env}
	return sidecar, errors.Join(err, sidecar.checkMode(), sidecar.checkListeners(), sidecar.checkPaths())
}

// Port returns the port of an address of the configuration, 0 if there is none.
func Port(address string) int32 {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0
	}
	return int32(n) //nolint:gosec // LookupPort returns at most 65535
}

// Ports returns the ports that the sidecar takes, by the variable of each.
func (s *Sidecar) Ports() map[string]int32 {
	ports := map[string]int32{config.Prefix + "LISTEN": Port(s.Config.Listen), config.Prefix + "ADMIN_LISTEN": Port(s.Config.AdminListen)}
	if s.Config.TransparentListen != "" {
		ports[config.Prefix+"TRANSPARENT_LISTEN"] = Port(s.Config.TransparentListen)
	}
	return ports
}

// Address is where the containers of the pod reach the sidecar: http://127.0.0.1:8480.
func (s *Sidecar) Address() string {
	host, _, _ := net.SplitHostPort(s.Config.Listen)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(int(Port(s.Config.Listen))))
}

// flush is the part of the sequence of a stop that is behind HEADWAY_DRAIN_TIMEOUT and
// HEADWAY_SCRAPE_WAIT (docs/lifecycle.md), and reserve is for the start of that sequence.
const flush, reserve = 10 * time.Second, 10 * time.Second

// GracePeriod is how many seconds a pod needs between SIGTERM and SIGKILL, so that its
// sidecar loses no number.
func (s *Sidecar) GracePeriod() int64 {
	return int64((s.Config.DrainTimeout + s.Config.ScrapeWait + flush + reserve + time.Second - 1) / time.Second)
}

// Volumes returns the volumes that the sidecar mounts.
func (s *Sidecar) Volumes() []corev1.Volume {
	var all []corev1.Volume
	if s.settings.ConfigMap != "" {
		source := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: s.settings.ConfigMap}}}
		all = append(all, corev1.Volume{Name: ConfigVolume, VolumeSource: source})
	}
	if s.writes() {
		// It outlives a restart of the sidecar, and ends with the pod.
		source := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: s.dataSize()}}
		all = append(all, corev1.Volume{Name: DataVolume, VolumeSource: source})
	}
	return all
}

// writes says whether the sidecar writes files.
func (s *Sidecar) writes() bool {
	return cmp.Or(s.Config.StateDir, s.Config.SpoolDir, s.Config.CaptureFile) != ""
}

// dataSize is the limit of DataVolume: a capture takes 256 MiB at most, the state some of
// the rest, and the spool what its own limit says. Kubernetes evicts pods that exceed it.
func (s *Sidecar) dataSize() *resource.Quantity {
	const mebibyte = 1 << 20
	size := int64(300 * mebibyte)
	if s.Config.SpoolDir != "" {
		size += int64(s.Config.SpoolMaxBytes) + 10*mebibyte
	}
	return resource.NewQuantity(size, resource.BinarySI)
}
