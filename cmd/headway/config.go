package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/term"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

const envPrefix = "HEADWAY_"

// config is the environment of `headway run`. docs/configuration.md describes
// every variable; a test compares the two.
type config struct {
	Listen      string `env:"LISTEN" envDefault:"127.0.0.1:8480"`
	Upstream    string `env:"UPSTREAM"`
	Routes      string `env:"ROUTES"`
	AdminListen string `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:8481"`

	AdminWebConfig string `env:"ADMIN_WEB_CONFIG"`

	Role        exchange.Role         `env:"ROLE" envDefault:"client"`
	Histograms  prometheus.Histograms `env:"HISTOGRAMS" envDefault:"both"`
	MaxModels   int                   `env:"MAX_MODELS" envDefault:"64"`
	CaptureFile string                `env:"CAPTURE_FILE"`

	TransparentListen string `env:"TRANSPARENT_LISTEN"`
	SealedTLS         bool   `env:"SEALED_TLS" envDefault:"true"`
	ProxyProtocol     bool   `env:"PROXY_PROTOCOL" envDefault:"false"`
	MaxUpstreams      int    `env:"MAX_UPSTREAMS" envDefault:"64"`

	SLOFile  string `env:"SLO_FILE"`
	StateDir string `env:"STATE_DIR"`

	SemConv       exporter.SemConv `env:"SEMCONV" envDefault:"v1.41"`
	TraceRatio    float64          `env:"TRACE_RATIO" envDefault:"0.05"`
	Propagate     string           `env:"PROPAGATE" envDefault:"off"`
	SpoolDir      string           `env:"SPOOL_DIR"`
	SpoolMaxBytes byteSize         `env:"SPOOL_MAX_BYTES" envDefault:"256MiB"`
	PodName       string           `env:"POD_NAME"`
	PodUID        string           `env:"POD_UID"`
	PodNamespace  string           `env:"POD_NAMESPACE"`
	NodeName      string           `env:"NODE_NAME"`

	DrainDelay     time.Duration `env:"DRAIN_DELAY" envDefault:"5s"`
	DrainTimeout   time.Duration `env:"DRAIN_TIMEOUT" envDefault:"10m"`
	ScrapeWait     time.Duration `env:"SCRAPE_WAIT" envDefault:"0"`
	ConnectTimeout time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s"`
	HeaderTimeout  time.Duration `env:"HEADER_TIMEOUT" envDefault:"0"`
	IdleTimeout    time.Duration `env:"IDLE_TIMEOUT" envDefault:"0"`
	Prewarm        int           `env:"PREWARM" envDefault:"2"`

	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"LOG_FORMAT"`

	telemetry   telemetrySettings // as OpenTelemetry's own variables have it
	routes      []proxy.Route
	set         slo.Set // what SLOFile holds
	sloText     []byte
	sloWarnings []slo.Warning
}

// readConfig reads environ, a list of KEY=value, and checks all of it. The error
// is of every problem at once, each naming its variable.
func readConfig(environ []string) (config, error) {
	var c config
	err := env.ParseWithOptions(&c, env.Options{Prefix: envPrefix, Environment: env.ToMap(environ)})
	problems, unparsed := parseProblems(err)
	check := func(key string, err error) {
		if err != nil && !slices.Contains(unparsed, key) {
			problems = append(problems, fmt.Errorf("%s%s: %w", envPrefix, key, err))
		}
	}
	c.telemetry = readOTel(environ, place{c.PodName, c.PodUID, c.PodNamespace, c.NodeName}, func(key string, err error) {
		if err != nil && !slices.ContainsFunc(problems, func(p error) bool { return strings.HasPrefix(p.Error(), key+": ") }) {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	})
	check("LISTEN", checkAddress(c.Listen))
	check("ADMIN_LISTEN", checkAddress(c.AdminListen))
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		check("ADMIN_LISTEN", fmt.Errorf("%q is %sLISTEN's too", c.AdminListen, envPrefix))
	}
	check("ADMIN_WEB_CONFIG", web.Validate(c.AdminWebConfig))
	check("ROLE", oneOf(c.Role, exchange.Client, exchange.Server))
	check("HISTOGRAMS", oneOf(c.Histograms, prometheus.Classic, prometheus.Native, prometheus.Both))
	if c.LogFormat != "" {
		check("LOG_FORMAT", oneOf(c.LogFormat, "json", "text"))
	}
	check("CAPTURE_FILE", checkFile(c.CaptureFile))
	check("STATE_DIR", checkDir(c.StateDir))
	check("MAX_MODELS", within(c.MaxModels, 1, 10_000))
	check("MAX_UPSTREAMS", within(c.MaxUpstreams, 1, 10_000))
	if c.TransparentListen != "" {
		check("TRANSPARENT_LISTEN", checkAddress(c.TransparentListen))
	}
	check("PREWARM", within(c.Prewarm, 0, 256))
	for key, d := range map[string]time.Duration{
		"DRAIN_DELAY": c.DrainDelay, "DRAIN_TIMEOUT": c.DrainTimeout, "SCRAPE_WAIT": c.ScrapeWait, "CONNECT_TIMEOUT": c.ConnectTimeout,
		"HEADER_TIMEOUT": c.HeaderTimeout, "IDLE_TIMEOUT": c.IdleTimeout,
	} {
		if d < 0 {
			check(key, fmt.Errorf("%v is negative", d))
		}
	}
	c.readExport(environ, check)
	c.readRoutes(check)
	c.readSLOFile(check)
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, errors.Join(problems...)
}

// readExport settles what else there is to say of traces and metrics for a collector.
func (c *config) readExport(environ []string, check func(key string, err error)) {
	check("SEMCONV", oneOf(c.SemConv, exporter.V141, exporter.Latest, exporter.Dup))
	check("PROPAGATE", oneOf(c.Propagate, "off", "inject"))
	if c.Propagate == "inject" && c.telemetry.traces.endpoint == "" {
		c.telemetry.warnings = append(c.telemetry.warnings, fmt.Errorf("%sPROPAGATE: no traces are exported, so upstreams are told of none", envPrefix))
	}
	if c.telemetry.latest && !slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, envPrefix+"SEMCONV=") }) {
		c.SemConv = exporter.Latest
	}
	if !(c.TraceRatio >= 0 && c.TraceRatio <= 1) {
		check("TRACE_RATIO", fmt.Errorf("%v is not within 0 and 1", c.TraceRatio))
	}
	check("SPOOL_DIR", checkWritable(c.SpoolDir))
	if least := byteSize(metricsShare * delivery.LeastSpoolBytes); c.SpoolMaxBytes < least {
		check("SPOOL_MAX_BYTES", fmt.Errorf("is less than %dMiB", least>>20))
	}
}

// checkWritable tells why no file could be made in dir.
func checkWritable(dir string) error {
	if err := checkDir(dir); dir == "" || err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".headway-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// propagation is what c.Propagate means.
func (c *config) propagation() proxy.Propagation {
	if c.Propagate == "inject" && c.telemetry.traces.endpoint != "" {
		return proxy.Inject
	}
	return proxy.Off
}

// readRoutes settles where requests may go.
func (c *config) readRoutes(check func(key string, err error)) {
	seen := map[string]bool{}
	for entry := range strings.SplitSeq(c.Routes, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		prefix, target, ok := strings.Cut(entry, "=")
		if !ok || prefix == "" {
			check("ROUTES", fmt.Errorf("%q is not /prefix=URL", entry))
			continue
		}
		if seen[prefix] {
			check("ROUTES", fmt.Errorf("prefix %q is there twice", prefix))
		}
		seen[prefix] = true
		r, err := proxy.NewRoute(prefix, target)
		check("ROUTES", err)
		c.routes = append(c.routes, r)
	}
	switch {
	case c.Upstream != "":
		r, err := proxy.NewRoute("", c.Upstream)
		check("UPSTREAM", err)
		c.routes = append(c.routes, r)
	case c.Routes == "" && c.TransparentListen == "":
		check("UPSTREAM", errors.New("is not set, and neither is "+envPrefix+"ROUTES or "+envPrefix+"TRANSPARENT_LISTEN: there is nowhere to forward to"))
	}
}

// parseProblems names the variable of every value that could not be parsed, and
// lists those variables without their prefix.
func parseProblems(err error) (problems []error, keys []string) {
	if err == nil {
		return nil, nil
	}
	all := env.AggregateError{Errors: []error{err}}
	errors.As(err, &all)
	for _, err := range all.Errors {
		var p env.ParseError
		if errors.As(err, &p) {
			if field, ok := reflect.TypeFor[config]().FieldByName(p.Name); ok {
				key := field.Tag.Get("env")
				keys = append(keys, key)
				err = fmt.Errorf("%s%s: %w", envPrefix, key, p.Err)
			}
		}
		problems = append(problems, err)
	}
	return problems, keys
}

// listVariables is a line for every variable, with its default.
func listVariables() string {
	var b strings.Builder
	for field := range reflect.TypeFor[config]().Fields() {
		if key, ok := field.Tag.Lookup("env"); ok {
			line := fmt.Sprintf("  %-24s %s", envPrefix+key, field.Tag.Get("envDefault"))
			fmt.Fprintf(&b, "\n%s", strings.TrimRight(line, " "))
		}
	}
	return b.String()
}

// unknownVariables lists the variables of our prefix that mean nothing to us,
// less those that Kubernetes sets for a service called headway.
func unknownVariables(environ []string) []string {
	known := map[string]bool{}
	for field := range reflect.TypeFor[config]().Fields() {
		known[envPrefix+field.Tag.Get("env")] = true
	}
	var unknown []string
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		ofKubernetes := strings.HasPrefix(key, envPrefix+"SERVICE_") || strings.HasPrefix(key, envPrefix+"PORT")
		if strings.HasPrefix(key, envPrefix) && !known[key] && !ofKubernetes {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q has no valid port", address)
	}
	return nil
}

// checkFile tells why no file could be written at path. Whether it may be, is seen
// when it is opened.
func checkFile(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%q is a directory", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%q is in no directory that exists", path)
	}
	return nil
}

func oneOf[T ~string](v T, allowed ...T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return fmt.Errorf("%q is none of %q", v, allowed)
}

func within(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d is not within %d and %d", n, low, high)
	}
	return nil
}

// newLogger logs to w: text on a terminal and JSON otherwise, unless the format
// is given.
func newLogger(c config, w io.Writer) *slog.Logger {
	format := c.LogFormat
	if f, ok := w.(*os.File); ok && format == "" && term.IsTerminal(int(f.Fd())) {
		format = "text"
	}
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
