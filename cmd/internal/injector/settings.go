package injector

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/pod"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// Prefix begins the name of every variable of the injector.
const Prefix = config.Prefix + "INJECTOR_"

// Config is the environment of headway-injector, one field a variable, and below them what
// ReadConfig derives from them.
type Config struct {
	Listen       string `env:"LISTEN" envDefault:":8443" meaning:"address of the webhook, which speaks TLS: the API server posts to /mutate"`
	AdminListen  string `env:"ADMIN_LISTEN" envDefault:":8481" meaning:"address of the metrics and of the injector's own health"`
	Image        string `env:"IMAGE" example:"ghcr.io/headway-sidecar/headway:v1.2.3" meaning:"image of the sidecar, required"`
	PullPolicy   string `env:"IMAGE_PULL_POLICY" example:"IfNotPresent" meaning:"when a node pulls it: Always, IfNotPresent or Never"`
	DefaultsFile string `env:"DEFAULTS_FILE" example:"/etc/headway/defaults.yaml" meaning:"file with settings of every sidecar"`
	Service      string `env:"SERVICE" example:"headway-system/headway-injector" meaning:"namespace and name of the injector's Service, for which its certificate is"`
	Webhook      string `env:"WEBHOOK" example:"headway-injector" meaning:"MutatingWebhookConfiguration whose caBundle the injector keeps"`
	Secret       string `env:"SECRET" example:"headway-injector-tls" meaning:"Secret in the Service's namespace, in which the replicas share authority and certificate"`
	CertDir      string `env:"CERT_DIR" example:"/etc/headway-injector/tls" meaning:"folder with tls.crt and tls.key that somebody else makes, cert-manager for example; the injector reads them again when they change. Then it needs no Secret and changes no webhook"`

	Settings        Settings `env:"-"` // of every sidecar
	Namespace, Name string   `env:"-"` // of Service
	APIServer       string   `env:"-"` // host:port, as Kubernetes tells every container; empty outside a cluster
}

// Settings are the settings of every sidecar, over which those of a pod go.
type Settings struct {
	Image      string
	PullPolicy corev1.PullPolicy
	Env        map[string]string
	Resources  corev1.ResourceRequirements
}

// Variable documents one variable.
type Variable struct{ Name, Default, Example, Meaning string }

// Variables returns every variable of the injector.
func Variables() []Variable {
	var all []Variable
	for field := range reflect.TypeFor[Config]().Fields() {
		if tag := field.Tag; tag.Get("env") != "-" {
			all = append(all, Variable{Prefix + tag.Get("env"), tag.Get("envDefault"), tag.Get("example"), tag.Get("meaning")})
		}
	}
	return all
}

// ReadConfig reads environ, a list of KEY=value, and the file that it names. The error has
// every problem at once, each on a line that begins with its variable.
func ReadConfig(environ []string) (Config, error) {
	var c Config
	values := env.ToMap(environ)
	if err := env.ParseWithOptions(&c, env.Options{Prefix: Prefix, Environment: values}); err != nil {
		return c, err // every field is a string: this is a mistake in a tag
	}
	all := unknownVariables(environ)
	check := func(key string, err error) {
		if err != nil {
			all = append(all, explained(key, err))
		}
	}
	check("LISTEN", config.CheckAddress(c.Listen))
	check("ADMIN_LISTEN", config.CheckAddress(c.AdminListen))
	if !reference.MatchString(c.Image) {
		check("IMAGE", fmt.Errorf("%q is no name of an image", c.Image))
	}
	if c.PullPolicy != "" {
		check("IMAGE_PULL_POLICY", config.OneOf(corev1.PullPolicy(c.PullPolicy), corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever))
	}
	check("SERVICE", c.readService())
	c.checkCertificates(check)
	var err error
	c.Settings, err = readDefaults(c.DefaultsFile)
	check("DEFAULTS_FILE", err)
	c.Settings.Image, c.Settings.PullPolicy = c.Image, corev1.PullPolicy(c.PullPolicy)
	if host := values["KUBERNETES_SERVICE_HOST"]; host != "" {
		c.APIServer = net.JoinHostPort(host, values["KUBERNETES_SERVICE_PORT"])
	}
	return c, errors.Join(all...)
}

// explained is err as a problem of the variable with that key, with an example behind it.
func explained(key string, err error) error {
	for _, v := range Variables() {
		if v.Name != Prefix+key {
			continue
		}
		if example := v.Example + v.Default; !strings.Contains(err.Error(), "\n") {
			return fmt.Errorf("%s: %w; for example %s=%s", v.Name, err, v.Name, example)
		}
	}
	return fmt.Errorf("%s%s: %w", Prefix, key, err)
}

// readService cuts Service into its parts. They become host names of the certificate.
func (c *Config) readService() error {
	if c.Service == "" {
		if c.CertDir != "" {
			return nil
		}
		return errors.New("is not set, and the certificate needs a name")
	}
	var ok bool
	c.Namespace, c.Name, ok = strings.Cut(c.Service, "/")
	if !ok || len(validation.IsDNS1123Label(c.Namespace)) > 0 || len(validation.IsDNS1035Label(c.Name)) > 0 {
		return fmt.Errorf("%q is not NAMESPACE/NAME", c.Service)
	}
	return nil
}

func (c *Config) checkCertificates(check func(key string, err error)) {
	if c.CertDir != "" {
		if info, err := os.Stat(c.CertDir); err != nil || !info.IsDir() {
			check("CERT_DIR", fmt.Errorf("%q is no folder that is there", c.CertDir))
		}
		for key, value := range map[string]string{"SECRET": c.Secret, "WEBHOOK": c.Webhook} {
			if value != "" {
				check(key, fmt.Errorf("has no effect with %sCERT_DIR, where somebody else makes the certificate: leave one of the two out", Prefix))
			}
		}
		return
	}
	for key, value := range map[string]string{"SECRET": c.Secret, "WEBHOOK": c.Webhook} {
		if len(validation.IsDNS1123Subdomain(value)) > 0 {
			check(key, fmt.Errorf("%q is no name of an object of Kubernetes", value))
		}
	}
}

// unknownVariables returns a problem for each variable with the injector's prefix that it
// does not know. The kubelet's variables for a Service called headway-injector are none.
func unknownVariables(environ []string) []error {
	var known []string
	for _, v := range Variables() {
		known = append(known, v.Name)
	}
	var all []error
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, Prefix) || slices.Contains(known, name) || config.OfKubernetes(name, value) {
			continue
		}
		all = append(all, fmt.Errorf("%s: headway-injector has no such variable; %s", name, spelling.Hint(name, known)))
	}
	return all
}

// defaults is the content of a defaults file.
type defaults struct {
	Env       map[string]string            `json:"env"`
	Resources *corev1.ResourceRequirements `json:"resources"`
}

// readDefaults reads the settings of every sidecar from the file at path, if there is one,
// and checks them as those of a pod.
func readDefaults(path string) (Settings, error) {
	s := Settings{Env: map[string]string{}, Resources: pod.Resources()}
	if path == "" {
		return s, nil
	}
	text, err := config.ReadFile(path, config.MaxFile)
	if err != nil {
		return s, err
	}
	var d defaults
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		return s, fmt.Errorf("reading %s: %w", path, err)
	}
	var all []error
	for name := range d.Env {
		if !strings.HasPrefix(name, config.Prefix) && !strings.HasPrefix(name, "OTEL_") {
			all = append(all, fmt.Errorf("%s: env.%s: the sidecar reads variables of headway and of OpenTelemetry only", path, name))
		}
	}
	if d.Env != nil {
		s.Env = d.Env
	}
	if d.Resources != nil {
		s.Resources = *d.Resources
	}
	return s, errors.Join(append(all, s.check(path))...)
}

// check reads the defaults as a pod without annotations would get them, with an upstream
// if they have none: pods mostly bring it.
func (s *Settings) check(path string) error {
	env := map[string]string{config.Prefix + "UPSTREAM": "https://api.openai.com"}
	for name, value := range s.Env {
		env[name] = value
	}
	var all []error
	_, err := pod.New(pod.Settings{Mode: pod.Explicit, Env: env, ConfigMap: "the-pods-own", Resources: s.Resources})
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			all = append(all, fmt.Errorf("%s: %s", path, strings.TrimSpace(line)))
		}
	}
	var a ask
	a.checkMemory(&s.Resources)
	for _, p := range a.problems {
		all = append(all, fmt.Errorf("%s: resources: %s", path, p))
	}
	return errors.Join(all...)
}
