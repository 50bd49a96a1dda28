package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/proxy/redirect"
)

// manifest has the fields of an example in deploy/kubernetes that the tests read, and of
// what the chart and the overlays make.
type manifest struct {
	Kind string
	Spec struct {
		Template struct {
			Spec podSpec
		}
	}
	Metadata struct{ Name string }
	Data     map[string]string // of a ConfigMap
}

type podSpec struct {
	RestartPolicy  string        `yaml:"restartPolicy"`
	Grace          time.Duration `yaml:"-"`
	GraceSeconds   int64         `yaml:"terminationGracePeriodSeconds"`
	InitContainers []container   `yaml:"initContainers"`
	Containers     []container
	Volumes        []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
	}
	configMaps map[string]map[string]string // the files of each ConfigMap of the examples
}

type container struct {
	Name, Image   string
	RestartPolicy string `yaml:"restartPolicy"`
	Command, Args []string
	Env           []struct{ Name, Value string }
	StartupProbe  *podProbe `yaml:"startupProbe"`
	Ports         []containerPort
	Mounts        []struct {
		Name string
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
	Readiness *podProbe `yaml:"readinessProbe"`
	Liveness  *podProbe `yaml:"livenessProbe"`
	Resources struct{ Requests, Limits map[string]string }
	Security  struct {
		NonRoot      bool `yaml:"runAsNonRoot"`
		User         int  `yaml:"runAsUser"`
		Escalation   bool `yaml:"allowPrivilegeEscalation"`
		ReadOnly     bool `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop, Add []string }
	} `yaml:"securityContext"`
}

type containerPort struct {
	Name          string
	ContainerPort int `yaml:"containerPort"`
}

type podProbe struct {
	HTTPGet struct {
		Path string
		Port int
	} `yaml:"httpGet"`
}

// ownImage matches the images of headway and its injector, in any registry.
var ownImage = regexp.MustCompile(`^(?:\S+/)?headway(-injector)?:\S+$`)

// manifests returns the pods with headway in every example, and in what the chart and the
// overlays make, by file and position.
func manifests(t *testing.T) map[string]podSpec {
	t.Helper()
	var files []string
	for _, pattern := range []string{"deploy/kubernetes/*.yaml", "deploy/kubernetes/bases/prober/prober.yaml", "cmd/internal/interop/chart/testdata/rendered/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d examples, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	pods, configMaps := map[string]podSpec{}, map[string]map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var m manifest
			if err := d.Decode(&m); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if m.Kind == "ConfigMap" {
				configMaps[m.Metadata.Name] = m.Data
				continue
			}
			pod := m.Spec.Template.Spec
			if len(pod.Containers) == 0 || pod.Containers[0].Name == "injector" { // an account, or rights; another test reads the injector
				continue
			}
			pod.Grace = time.Duration(pod.GraceSeconds) * time.Second
			pod.configMaps = configMaps
			pods[fmt.Sprintf("%s, pod %d", filepath.Base(file), len(pods)+1)] = pod
		}
	}
	return pods
}

// sidecars returns the containers that run `headway run` or `headway probe`.
func (p *podSpec) sidecars() []container {
	return slices.DeleteFunc(slices.Concat(p.InitContainers, p.Containers), func(c container) bool {
		return len(c.Args) == 0 || c.Args[0] != "run" && c.Args[0] != "probe"
	})
}

// environ returns the environment that a container of p sets. The values below a mounted
// volume lead to a folder of the test's, which holds the files of the volume's ConfigMap.
func (p *podSpec) environ(t *testing.T, c *container) []string {
	t.Helper()
	folder := map[string]string{}
	for _, mount := range c.Mounts {
		folder[mount.Path] = p.volume(t, mount.Name)
	}
	var all []string
	for _, e := range c.Env {
		for path, here := range folder {
			if e.Value == path || strings.HasPrefix(e.Value, path+"/") {
				e.Value = here + strings.TrimPrefix(e.Value, path)
			}
		}
		all = append(all, e.Name+"="+e.Value)
	}
	return all
}

// volume makes a folder with the content of a volume.
func (p *podSpec) volume(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, v := range p.Volumes {
		if v.Name != name {
			continue
		}
		files, ok := p.configMaps[v.ConfigMap.Name]
		if v.ConfigMap.Name != "" && !ok {
			t.Errorf("no example has the ConfigMap %s", v.ConfigMap.Name)
		}
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	t.Errorf("the pod has no volume %s", name)
	return dir
}

// read reads the configuration of the pod's sidecar, or of its prober.
func (p *podSpec) read(t *testing.T) (config.Config, error) {
	t.Helper()
	c := p.sidecars()[0]
	environ := p.environ(t, &c)
	if c.Args[0] == "run" {
		return config.Read(environ)
	}
	var o probeOptions
	for _, e := range environ {
		if file, ok := strings.CutPrefix(e, config.Prefix+"PROBE_FILE="); ok {
			o.file = file
		}
	}
	return o.config(environ)
}

func TestExamplesForKubernetesAreValidConfigurations(t *testing.T) {
	for name, pod := range manifests(t) {
		t.Run(name, func(t *testing.T) {
			sidecars := pod.sidecars()
			if len(sidecars) != 1 {
				t.Fatalf("%d sidecars", len(sidecars))
			}
			c := sidecars[0]
			set, err := pod.read(t)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			for _, unknown := range config.Unknown(pod.environ(t, &c)) {
				t.Errorf("%s: headway has no variable %s", c.Name, unknown)
			}
			if !strings.HasPrefix(set.AdminListen, "0.0.0.0:") {
				t.Errorf("the kubelet cannot probe %s", set.AdminListen)
			}
			// If Kubernetes kills headway earlier, the last numbers are lost. docs/lifecycle.md
			// has the same rule.
			if need := set.DrainTimeout + set.ScrapeWait + 2*sidecar.FlushTimeout; pod.Grace <= need {
				t.Errorf("%v are not longer than the %v that it may take", pod.Grace, need)
			}
			_, port, _ := net.SplitHostPort(set.AdminListen)
			scraped := slices.DeleteFunc(slices.Clone(c.Ports), func(p containerPort) bool { return p.Name != scrapedPort })
			if len(scraped) != 1 || strconv.Itoa(scraped[0].ContainerPort) != port {
				t.Errorf("scrapers look for the port %s, %s; it has %v", scrapedPort, port, c.Ports)
			}
			for path, p := range map[string]*podProbe{"startup": c.StartupProbe, "ready": c.Readiness, "live": c.Liveness} {
				if p == nil {
					continue
				}
				if p.HTTPGet.Path != "/healthz/"+path || p.HTTPGet.Port != 8481 {
					t.Errorf("%s is probed at %+v", path, p.HTTPGet)
				}
			}
			for _, app := range pod.Containers {
				for _, e := range app.Env {
					if e.Name == "OPENAI_BASE_URL" && e.Value != "http://"+set.Listen+"/v1" {
						t.Errorf("the application calls %s, the sidecar listens at %s", e.Value, set.Listen)
					}
				}
			}
		})
	}
}

// The rules redirect both versions of IP, so that a listener of one would refuse the
// connections of the other.
func TestTheTransparentListenerOfTheExamplesTakesBothVersionsOfIP(t *testing.T) {
	found := 0
	for name, pod := range manifests(t) {
		set, err := pod.read(t)
		if err != nil || set.TransparentListen == "" {
			continue
		}
		found++
		host, _, _ := net.SplitHostPort(set.TransparentListen)
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		for _, from := range []string{"127.0.0.1", "::1"} {
			probe, err := net.Listen("tcp", net.JoinHostPort(from, "0"))
			if err != nil {
				continue // this machine does not have the version
			}
			_ = probe.Close()
			c, err := net.Dial("tcp", net.JoinHostPort(from, port))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			_ = c.Close()
		}
	}
	if found == 0 {
		t.Error("no example has a transparent listener")
	}
}

// scrapedPort is the name by which scrapers find the admin port.
const scrapedPort = "headway-admin"

// Both keep exactly the container ports of that name, and scrape often enough for the
// jobs.
func TestScrapersFindTheAdminPortOfTheExamples(t *testing.T) {
	for _, c := range []struct{ path, keep, interval string }{
		{"deploy/prometheus/kubernetes.yaml", "- source_labels: [__meta_kubernetes_pod_container_port_name]\n        action: keep\n        regex: " + scrapedPort + "\n", `scrape_interval: (\S+)`},
		{"deploy/prometheus/podmonitor.yaml", "- port: " + scrapedPort + "\n", ` interval: (\S+)`},
	} {
		text := read(t, c.path)
		if !strings.Contains(text, c.keep) || strings.Contains(text, "annotation") {
			t.Errorf("%s does not keep %s alone", c.path, scrapedPort)
		}
		interval, err := time.ParseDuration(matches(c.interval, text)[0])
		if err != nil {
			t.Fatal(err)
		}
		for name, pod := range manifests(t) {
			set, err := pod.read(t)
			if err != nil {
				t.Fatal(err)
			}
			if wait := set.ScrapeWait; wait > 0 && wait <= interval {
				t.Errorf("%s waits %v for scrapes that are %v apart", name, wait, interval)
			}
		}
	}
}

// With a read-only root, headway can write to a volume only.
func TestAnExampleMountsAllThatHeadwayReadsAndWrites(t *testing.T) {
	found := map[string]bool{}
	for name, pod := range manifests(t) {
		c := pod.sidecars()[0]
		for i, e := range pod.environ(t, &c) {
			if path := c.Env[i].Value; strings.HasPrefix(path, "/") {
				found[c.Env[i].Name] = true
				if strings.HasSuffix(e, "="+path) {
					t.Errorf("%s: no volume holds %s", name, e)
				}
			}
		}
	}
	for _, want := range []string{"HEADWAY_SLO_FILE", "HEADWAY_STATE_DIR", "HEADWAY_CAPTURE_FILE", "HEADWAY_PROBE_FILE"} {
		if !found[want] {
			t.Errorf("no example sets %s", want)
		}
	}
}

// The image is built as the Makefile builds, by the compiler that go.mod names, and runs
// as the user whose connections the redirection leaves alone.
func TestTheImageAgreesWithTheTree(t *testing.T) {
	image, makefile, module := read(t, "deploy/Dockerfile"), read(t, "Makefile"), read(t, "go.mod")
	version := matches(`(?m)^go (\d+\.\d+)`, module)[0]
	uid := redirect.Default().ExcludeUIDs[0]
	for _, want := range []string{
		" golang:" + version + " AS build\n", "FROM scratch AS headway\n", "FROM scratch AS headway-injector\n", "COPY go.mod go.sum ./\n", fmt.Sprintf("USER %d:%d\n", uid, uid),
		"ENTRYPOINT [\"/usr/local/bin/headway\"]\n", "CMD [\"run\"]\n",
	} {
		if !strings.Contains(image, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	const target = "bin/image/"
	for _, program := range []string{"headway", "headway-injector"} {
		if !strings.Contains(image, " "+target+"$TARGETARCH/"+program+" ") || !strings.Contains(makefile, "\n"+target+"%/"+program+": ") {
			t.Errorf("the Dockerfile does not build by the Makefile's target %s…/%s", target, program)
		}
	}
}

func TestExamplesForKubernetesGiveOnlyTheRightsThatAreNeeded(t *testing.T) {
	for name, pod := range manifests(t) {
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			if !ownImage.MatchString(c.Image) {
				continue
			}
			s, redirects := c.Security, c.Args[0] == "redirect"
			if s.Escalation || !s.ReadOnly || !reflect.DeepEqual(s.Capabilities.Drop, []string{"ALL"}) {
				t.Errorf("%s, %s: %+v", name, c.Name, s)
			}
			var add []string
			if redirects {
				add = []string{"NET_ADMIN"}
			}
			if s.NonRoot == redirects || (s.User == 0) != redirects || !reflect.DeepEqual(s.Capabilities.Add, add) {
				t.Errorf("%s, %s: %+v", name, c.Name, s)
			}
		}
	}
}

// docs/sizing.md says how much memory a sidecar takes, and docs/lifecycle.md why there is
// no limit of CPU.
func TestExamplesForKubernetesLimitMemoryAlone(t *testing.T) {
	for name, pod := range manifests(t) {
		c := pod.sidecars()[0]
		if r := c.Resources; r.Requests["cpu"] == "" || r.Requests["memory"] != "64Mi" || len(r.Limits) != 1 || !slices.Contains([]string{"128Mi", "256Mi"}, r.Limits["memory"]) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The test parses the commands of the examples with the program's own parser.
func TestExamplesForKubernetesCallCommandsThatExist(t *testing.T) {
	called := map[string]bool{}
	for name, pod := range manifests(t) {
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			args := c.Args
			if len(c.Command) > 0 && c.Command[0] == "headway" {
				args = c.Command[1:]
			} else if !ownImage.MatchString(c.Image) {
				continue
			}
			called[args[0]] = true
			var err error
			switch args[0] {
			case "run":
			case "probe":
				_, err = parseProbe(append(args[1:], "--file", "probes.yaml"), io.Discard)
			case "redirect":
				_, err = parseRedirect(args[1:], io.Discard)
			case "wait":
				if i := slices.Index(args, "--"); i < 0 || i == len(args)-1 {
					t.Errorf("%s: waits for no command", name)
				}
				if args[1] != "--stop" || pod.RestartPolicy != "Never" {
					t.Errorf("%s: %q, restarted %s", name, args, pod.RestartPolicy)
				}
			default:
				t.Errorf("%s: %q", name, args)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if !called["run"] || !called["redirect"] || !called["wait"] || !called["probe"] {
		t.Errorf("called are %v", called)
	}
}
