// Package config is the environment of `headway run`: the meaning of each variable, and
// the code that reads and checks all variables before headway begins to work.
//
// The package does not read the environment by itself: commands pass it in.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Prefix begins the name of every variable of headway's own.
const Prefix = "HEADWAY_"

// Config is the environment of `headway run`, one field a variable, and below them the
// settings that Read derives from several variables. Variables documents the variables:
// a field without a meaning there fails a test.
type Config struct {
	// Where traffic comes from and goes to.
	Listen            string `env:"LISTEN" envDefault:"127.0.0.1:8480"`
	Upstream          string `env:"UPSTREAM"`
	Routes            string `env:"ROUTES"`
	TransparentListen string `env:"TRANSPARENT_LISTEN"`
	SealedTLS         bool   `env:"SEALED_TLS" envDefault:"true"`
	ProxyProtocol     bool   `env:"PROXY_PROTOCOL" envDefault:"false"`

	// Upstream connections.
	ConnectTimeout time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s"`
	HeaderTimeout  time.Duration `env:"HEADER_TIMEOUT" envDefault:"0"`
	IdleTimeout    time.Duration `env:"IDLE_TIMEOUT" envDefault:"0"`
	Prewarm        int           `env:"PREWARM" envDefault:"2"`

	// Admin port.
	AdminListen    string `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:8481"`
	AdminWebConfig string `env:"ADMIN_WEB_CONFIG"`

	// Measurements.
	Role         exchange.Role         `env:"ROLE" envDefault:"client"`
	Histograms   prometheus.Histograms `env:"HISTOGRAMS" envDefault:"both"`
	SemConv      exporter.SemConv      `env:"SEMCONV" envDefault:"v1.41"`
	MaxModels    int                   `env:"MAX_MODELS" envDefault:"64"`
	MaxUpstreams int                   `env:"MAX_UPSTREAMS" envDefault:"64"`
	CaptureFile  string                `env:"CAPTURE_FILE"`
	SLOFile      string                `env:"SLO_FILE"`
	StateDir     string                `env:"STATE_DIR"`

	// Traces and metrics for a collector.
	TraceRatio    float64  `env:"TRACE_RATIO" envDefault:"0.05"`
	Propagate     string   `env:"PROPAGATE" envDefault:"off"`
	SpoolDir      string   `env:"SPOOL_DIR"`
	SpoolMaxBytes ByteSize `env:"SPOOL_MAX_BYTES" envDefault:"256MiB"`
	PodName       string   `env:"POD_NAME"`
	PodUID        string   `env:"POD_UID"`
	PodNamespace  string   `env:"POD_NAMESPACE"`
	NodeName      string   `env:"NODE_NAME"`

	// The end.
	DrainDelay   time.Duration `env:"DRAIN_DELAY" envDefault:"5s"`
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"10m"`
	ScrapeWait   time.Duration `env:"SCRAPE_WAIT" envDefault:"0"`

	// Log.
	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"LOG_FORMAT"`

	OpenTelemetry OpenTelemetry `env:"-"` // from OpenTelemetry's own variables
	RouteTable    []proxy.Route `env:"-"` // Routes, and Upstream for every other path
	SLOs          SLOs          `env:"-"` // the content of SLOFile
}

// Read reads environ, a list of KEY=value, and checks all of it, and the files that it
// names. The error has every problem at once, each on a line that begins with its
// variable. Values that are odd but no problem give warnings, in OpenTelemetry.Warnings
// and SLOs.Warnings.
func Read(environ []string) (Config, error) {
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Prefix: Prefix, Environment: env.ToMap(environ)})
	problems, unparsed := parseProblems(err)
	check := func(key string, err error) {
		if err != nil && !slices.Contains(unparsed, key) {
			problems = append(problems, fmt.Errorf("%s%s: %w", Prefix, key, err))
		}
	}
	c.OpenTelemetry = readOTel(environ, place{c.PodName, c.PodUID, c.PodNamespace, c.NodeName}, func(key string, err error) {
		if err != nil && !slices.ContainsFunc(problems, func(p error) bool { return strings.HasPrefix(p.Error(), key+": ") }) {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	})
	c.checkPorts(check)
	c.checkMeasurements(check)
	c.checkTimes(check)
	check("PREWARM", within(c.Prewarm, 0, 256))
	if c.LogFormat != "" {
		check("LOG_FORMAT", OneOf(c.LogFormat, "json", "text"))
	}
	c.readExport(environ, check)
	c.readRoutes(check)
	c.readSLOFile(check)
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, errors.Join(problems...)
}

func (c *Config) checkPorts(check func(key string, err error)) {
	check("LISTEN", CheckAddress(c.Listen))
	check("ADMIN_LISTEN", CheckAddress(c.AdminListen))
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		check("ADMIN_LISTEN", fmt.Errorf("%q is %sLISTEN's too", c.AdminListen, Prefix))
	}
	check("ADMIN_WEB_CONFIG", web.Validate(c.AdminWebConfig))
	if c.TransparentListen != "" {
		check("TRANSPARENT_LISTEN", CheckAddress(c.TransparentListen))
	}
}

func (c *Config) checkMeasurements(check func(key string, err error)) {
	check("ROLE", OneOf(c.Role, exchange.Client, exchange.Server))
	check("HISTOGRAMS", OneOf(c.Histograms, prometheus.Classic, prometheus.Native, prometheus.Both))
	check("MAX_MODELS", within(c.MaxModels, 1, 10_000))
	check("MAX_UPSTREAMS", within(c.MaxUpstreams, 1, 10_000))
	check("CAPTURE_FILE", checkFile(c.CaptureFile))
	check("STATE_DIR", checkDir(c.StateDir))
}

func (c *Config) checkTimes(check func(key string, err error)) {
	for key, d := range map[string]time.Duration{
		"DRAIN_DELAY": c.DrainDelay, "DRAIN_TIMEOUT": c.DrainTimeout, "SCRAPE_WAIT": c.ScrapeWait, "CONNECT_TIMEOUT": c.ConnectTimeout,
		"HEADER_TIMEOUT": c.HeaderTimeout, "IDLE_TIMEOUT": c.IdleTimeout,
	} {
		if d < 0 {
			check(key, fmt.Errorf("%v is negative", d))
		}
	}
}

// readExport checks headway's own variables about traces and metrics for a collector.
// Read must have read OpenTelemetry's variables before.
func (c *Config) readExport(environ []string, check func(key string, err error)) {
	check("SEMCONV", OneOf(c.SemConv, exporter.V141, exporter.Latest, exporter.Dup))
	check("PROPAGATE", OneOf(c.Propagate, "off", "inject"))
	if c.Propagate == "inject" && c.OpenTelemetry.Traces.Endpoint == "" {
		c.OpenTelemetry.Warnings = append(c.OpenTelemetry.Warnings, fmt.Errorf("%sPROPAGATE: headway exports no traces, so it names none to upstreams", Prefix))
	}
	if c.OpenTelemetry.latest && !slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, Prefix+"SEMCONV=") }) {
		c.SemConv = exporter.Latest
	}
	if !(c.TraceRatio >= 0 && c.TraceRatio <= 1) {
		check("TRACE_RATIO", fmt.Errorf("%v is not within 0 and 1", c.TraceRatio))
	}
	check("SPOOL_DIR", checkWritable(c.SpoolDir))
	if least := ByteSize(metricsShare * delivery.LeastSpoolBytes); c.SpoolMaxBytes < least {
		check("SPOOL_MAX_BYTES", fmt.Errorf("is less than %dMiB", least>>20))
	}
}

// Propagation says whether requests name headway's spans to upstreams. They do so only
// if headway exports traces and Propagate asks for it.
func (c *Config) Propagation() proxy.Propagation {
	if c.Propagate == "inject" && c.OpenTelemetry.Traces.Endpoint != "" {
		return proxy.Inject
	}
	return proxy.Off
}

// parseProblems returns an error for each value that could not be parsed, with the
// variable's name before it. It returns the names too, without their prefix.
func parseProblems(err error) (problems []error, keys []string) {
	if err == nil {
		return nil, nil
	}
	all := env.AggregateError{Errors: []error{err}}
	errors.As(err, &all)
	for _, err := range all.Errors {
		var p env.ParseError
		if errors.As(err, &p) {
			if field, ok := reflect.TypeFor[Config]().FieldByName(p.Name); ok {
				key := field.Tag.Get("env")
				keys = append(keys, key)
				err = fmt.Errorf("%s%s: %w", Prefix, key, p.Err)
			}
		}
		problems = append(problems, err)
	}
	return problems, keys
}
