// Package config is the environment of `headway run`: the meaning of each variable, and
// the code that reads and checks all variables before headway begins to work.
//
// The package does not read the environment by itself: commands pass it in.
package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Prefix begins the name of every variable of headway's own.
const Prefix = "HEADWAY_"

// Config is the environment of `headway run`, one field a variable, and below them the
// settings that Read derives from several variables. Variables documents the variables:
// a field without a meaning there fails a test.
type Config struct {
	// Where traffic comes from and goes to.
	Listen               string        `env:"LISTEN" envDefault:"127.0.0.1:8480"`
	Upstream             string        `env:"UPSTREAM" example:"https://api.openai.com"`
	Routes               string        `env:"ROUTES" example:"/anthropic=https://api.anthropic.com,/local=http://127.0.0.1:8000"`
	TransparentListen    string        `env:"TRANSPARENT_LISTEN" example:"[::]:8482"`
	SealedTLS            bool          `env:"SEALED_TLS" envDefault:"true"`
	ProxyProtocol        bool          `env:"PROXY_PROTOCOL" envDefault:"false"`
	RequestHeaderTimeout time.Duration `env:"REQUEST_HEADER_TIMEOUT" envDefault:"60s"`

	// Upstream connections.
	ConnectTimeout time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s"`
	HeaderTimeout  time.Duration `env:"HEADER_TIMEOUT" envDefault:"0" example:"60s"`
	IdleTimeout    time.Duration `env:"IDLE_TIMEOUT" envDefault:"0" example:"120s"`
	Prewarm        int           `env:"PREWARM" envDefault:"2"`

	// Admin port.
	AdminListen    string   `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:8481"`
	AdminWebConfig string   `env:"ADMIN_WEB_CONFIG" example:"/etc/headway/web.yaml"`
	AdminHosts     []string `env:"ADMIN_HOSTS" example:"headway.example.com,metrics.example.com"`

	// Measurements.
	Role         exchange.Role         `env:"ROLE" envDefault:"client"`
	Histograms   prometheus.Histograms `env:"HISTOGRAMS" envDefault:"both"`
	SemConv      exporter.SemConv      `env:"SEMCONV" envDefault:"v1.41"`
	MaxModels    int                   `env:"MAX_MODELS" envDefault:"64"`
	MaxUpstreams int                   `env:"MAX_UPSTREAMS" envDefault:"64"`
	MaxWindows   ByteSize              `env:"MAX_WINDOWS" envDefault:"8MiB"`
	MaxSeries    int                   `env:"MAX_SERIES" envDefault:"0"`
	Labels       string                `env:"LABELS" example:"tenant=header:X-Tenant,team=header:X-Team"`
	LabelKeyFile string                `env:"LABEL_KEY_FILE" example:"/etc/headway/label.key"`
	MaxTenants   int                   `env:"MAX_TENANTS" envDefault:"200"`
	LimitHeaders string                `env:"LIMIT_HEADERS" example:"ttft=X-TTFT-Limit-Ms,e2e=X-Deadline-Ms"`
	CaptureFile  string                `env:"CAPTURE_FILE" example:"/var/lib/headway/capture.jsonl"`
	SLOFile      string                `env:"SLO_FILE" example:"/etc/headway/slos.yaml"`
	PriceFile    string                `env:"PRICE_FILE" example:"/etc/headway/prices.yaml"`
	BaselineFile string                `env:"BASELINE_FILE" example:"/etc/headway/baseline.json"`
	ProbeFile    string                `env:"PROBE_FILE" example:"/etc/headway/probes.yaml"`
	ProbeLease   string                `env:"PROBE_LEASE" envDefault:"auto" example:"monitoring/headway-prober"`
	StateDir     string                `env:"STATE_DIR" example:"/var/lib/headway"`

	// Traces and metrics for a collector.
	TraceRatio    float64  `env:"TRACE_RATIO" envDefault:"0.05"`
	Propagate     string   `env:"PROPAGATE" envDefault:"off"`
	SpoolDir      string   `env:"SPOOL_DIR" example:"/var/spool/headway"`
	SpoolMaxBytes ByteSize `env:"SPOOL_MAX_BYTES" envDefault:"256MiB"`
	PodName       string   `env:"POD_NAME" example:"web-7d4b9c"`
	PodUID        string   `env:"POD_UID" example:"0b8f3c1e-5d2a-4f6b-9a7c-1e2d3c4b5a69"`
	PodNamespace  string   `env:"POD_NAMESPACE" example:"shop"`
	NodeName      string   `env:"NODE_NAME" example:"node-1"`

	// The end.
	DrainDelay   time.Duration `env:"DRAIN_DELAY" envDefault:"5s"`
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"10m"`
	ScrapeWait   time.Duration `env:"SCRAPE_WAIT" envDefault:"0" example:"30s"`

	// Log.
	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"LOG_FORMAT" example:"json"`

	// This environment itself.
	AllowUnknown bool `env:"ALLOW_UNKNOWN" envDefault:"false" example:"true"`

	OpenTelemetry OpenTelemetry    `env:"-"` // from OpenTelemetry's own variables
	RouteTable    []proxy.Route    `env:"-"` // Routes, and Upstream for every other path
	RequestLabels Labels           `env:"-"` // from Labels and LabelKeyFile
	RequestLimits []tap.LimitField `env:"-"` // from LimitHeaders, and those that headway knows
	SLOs          SLOs             `env:"-"` // the content of SLOFile
	Prices        Prices           `env:"-"` // the content of PriceFile
	Tested        Tested           `env:"-"` // the content of BaselineFile
	Probes        Probes           `env:"-"` // the content of ProbeFile
	Drift         drift.Settings   `env:"-"` // of the detectors; the zero value stands for their defaults
	Cluster       Cluster          `env:"-"` // what Kubernetes tells a container
	Warnings      []error          `env:"-"` // values that are odd but no problem; each begins with its variable
}

// Read reads environ, a list of KEY=value, and checks all of it, and the files that it
// names. The error has every problem at once, each on a line that begins with its
// variable. Values that are odd but no problem give warnings, in Warnings and
// SLOs.Warnings.
func Read(environ []string) (Config, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupLimit)
	defer cancel()
	c, err := read(environ, newMachine(ctx))
	if odd := c.ownKey(); odd != nil {
		c.Warnings = append(c.Warnings, odd)
	}
	return c, err
}

// read is Read for a headway on m.
func read(environ []string, m *machine) (Config, error) {
	var c Config
	f := &findings{values: env.ToMap(environ)}
	f.unparsed(env.ParseWithOptions(&c, env.Options{Prefix: Prefix, Environment: f.values}))
	c.OpenTelemetry = readOTel(f, place{c.PodName, c.PodUID, c.PodNamespace, c.NodeName})
	c.checkUnknown(environ, f)
	c.checkPorts(f.check)
	c.checkMeasurements(f.check)
	c.checkTimes(f)
	f.check("PREWARM", within(c.Prewarm, 0, 256))
	if c.LogFormat != "" {
		f.check("LOG_FORMAT", OneOf(c.LogFormat, "json", "text"))
	}
	c.readExport(f)
	c.readRoutes(f)
	c.readLabels(f)
	c.readLimitHeaders(f)
	c.checkListeners(f, m)
	c.readProxies(f)
	c.readSLOFile(f.check)
	c.readPriceFile(f.check)
	c.readBaselineFile(f)
	c.readProbeFile(f)
	c.readCluster(f)
	c.Warnings = sorted(f.warnings)
	return c, errors.Join(sorted(f.problems)...)
}

func (c *Config) checkPorts(check func(key string, err error)) {
	check("LISTEN", CheckAddress(c.Listen))
	check("ADMIN_LISTEN", CheckAddress(c.AdminListen))
	check("ADMIN_WEB_CONFIG", reading(c.AdminWebConfig, CheckWebConfig(c.AdminWebConfig)))
	check("ADMIN_HOSTS", checkHostNames(c.AdminHosts))
	if c.TransparentListen != "" {
		check("TRANSPARENT_LISTEN", CheckAddress(c.TransparentListen))
	}
}

func (c *Config) checkMeasurements(check func(key string, err error)) {
	check("ROLE", OneOf(c.Role, exchange.Client, exchange.Server))
	check("HISTOGRAMS", OneOf(c.Histograms, prometheus.Classic, prometheus.Native, prometheus.Both))
	check("MAX_MODELS", within(c.MaxModels, 1, 10_000))
	check("MAX_UPSTREAMS", within(c.MaxUpstreams, 1, 10_000))
	if c.MaxWindows > 1<<30 {
		check("MAX_WINDOWS", predicate("is more than 1GiB"))
	}
	if c.MaxSeries != 0 {
		check("MAX_SERIES", within(c.MaxSeries, 150, 10_000_000))
	}
	check("CAPTURE_FILE", checkFile(c.CaptureFile))
	check("STATE_DIR", checkDir(c.StateDir))
}

// checkTimes refuses every duration that is negative or too short for anything to happen, and warns of a delay that leaves no
// time to drain.
func (c *Config) checkTimes(f *findings) {
	values := reflect.ValueOf(*c)
	for field, value := range values.Fields() {
		d, ok := value.Interface().(time.Duration)
		switch {
		case !ok:
		case d < 0:
			f.check(field.Tag.Get("env"), predicate("is negative"))
		case d > 0 && d < time.Millisecond:
			f.check(field.Tag.Get("env"), predicate("is less than 1ms, so every wait would be over before it began"))
		}
	}
	if c.DrainDelay > 0 && c.DrainTimeout >= 0 && c.DrainDelay >= c.DrainTimeout {
		f.warn(Prefix+"DRAIN_DELAY", fmt.Errorf("%s is not shorter than %sDRAIN_TIMEOUT=%s, which includes it: "+
			"headway takes new requests until the timeout and then cuts them, so none can finish; for example %sDRAIN_TIMEOUT=%v",
			f.written("DRAIN_DELAY"), Prefix, f.written("DRAIN_TIMEOUT"), Prefix, c.DrainDelay+time.Minute))
	}
}

// latest is the former name of exporter.V01, from before its release. It stays right.
const latest = "latest"

// readExport checks headway's own variables about traces and metrics for a collector.
// Read must have read OpenTelemetry's variables before.
func (c *Config) readExport(f *findings) {
	if c.SemConv == latest {
		c.SemConv = exporter.V01
	}
	f.check("SEMCONV", OneOf(c.SemConv, exporter.SemConvs()...))
	f.check("PROPAGATE", OneOf(c.Propagate, "off", "inject"))
	if c.Propagate == "inject" && c.OpenTelemetry.Traces.Endpoint == "" {
		f.warn(Prefix+"PROPAGATE", errors.New("headway exports no traces, so it names none to upstreams"))
	}
	if _, chosen := f.values[Prefix+"SEMCONV"]; c.OpenTelemetry.latest && !chosen {
		c.SemConv = exporter.V01
	}
	if !(c.TraceRatio >= 0 && c.TraceRatio <= 1) {
		f.check("TRACE_RATIO", predicate("is not within 0 and 1"))
	}
	f.check("SPOOL_DIR", checkWritable(c.SpoolDir))
	if least := ByteSize(metricsShare * delivery.LeastSpoolBytes); c.SpoolMaxBytes < least {
		f.check("SPOOL_MAX_BYTES", predicate(fmt.Sprintf("is less than %dMiB", least>>20)))
	}
	for key, name := range map[string]string{"POD_NAME": c.PodName, "POD_UID": c.PodUID, "POD_NAMESPACE": c.PodNamespace, "NODE_NAME": c.NodeName} {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			f.check(key, predicate("is no name of Kubernetes: it has a space, or a sign that is not ASCII"))
		}
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
