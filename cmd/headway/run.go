package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	metrics "github.com/headway-sidecar/headway/exporter/prometheus"
)

const runUsage = `usage: headway run [--check]

Forwards LLM traffic and measures it, configured by environment. SIGTERM or
SIGINT lets running exchanges finish, up to HEADWAY_DRAIN_TIMEOUT; SIGQUIT cuts
them. docs/configuration.md says more about the variables below, and
docs/opentelemetry.md has those of OpenTelemetry, which turn on traces and
metrics for a collector.`

// runSidecar is `headway run`.
func runSidecar(ctx context.Context, args []string, out, errs io.Writer) error {
	f := newFlags("run")
	check := f.Bool("check", false, "validate the configuration and exit")
	if err := parse(f, args, runUsage+"\n"+listVariables(config.Variables()), out); err != nil {
		return err
	}
	c, err := config.Read(os.Environ())
	if err != nil {
		return usageError{fmt.Errorf("wrong configuration:\n%w", err)}
	}
	if *check {
		for _, w := range c.Warnings {
			fmt.Fprintf(errs, "headway run: warning: %v\n", w)
		}
		warn(errs, "run", append(c.SLOs.Warnings, sidecar.Traffic(c).Unmatched(c.SLOs.Set)...))
		warn(errs, "run", c.Prices.Warnings)
		warn(errs, "run", c.Probes.Warnings)
		fmt.Fprintln(out, "configuration is valid")
		return tellSeries(out, c)
	}
	return serve(ctx, c, errs, "starting", "role", c.Role, "upstreams", upstreams(c))
}

// tellSeries prints how many series metrics have by the settings of c.
func tellSeries(out io.Writer, c config.Config) error {
	cost, err := sidecar.SeriesCostOf(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "a model at an upstream has %s\n", inForm(cost.Model, c.Histograms))
	if labels := c.RequestLabels.Names(); len(labels) > 0 {
		fmt.Fprintf(out, "each further combination of %s adds %s, up to %d combinations\n",
			strings.Join(labels, ", "), inForm(cost.Tenant, c.Histograms), c.MaxTenants)
	}
	return nil
}

// inForm says how many series there are in the forms of histograms that a scraper may read.
func inForm(n metrics.Count, form metrics.Histograms) string {
	switch form {
	case metrics.Classic:
		return fmt.Sprintf("%d series", n.Classic)
	case metrics.Native:
		return fmt.Sprintf("%d series", n.Native)
	}
	return fmt.Sprintf("%d series with classic histograms, %d with native ones", n.Classic, n.Native)
}

// serve runs the sidecar of c until ctx ends. It logs the word and the details when its
// ports are bound.
func serve(ctx context.Context, c config.Config, errs io.Writer, word string, details ...any) error {
	log := config.NewLogger(errs, c.LogLevel, c.LogFormat)
	for _, w := range c.Warnings {
		log.Warn("configuration", "warning", w.Error())
	}
	urgent, release := emergency(errs)
	defer release()
	sidecar.LimitMemory(ctx, log)
	if os.Getenv("GOGC") == "" {
		sidecar.SpaceCollections(ctx)
	}
	s, err := sidecar.New(c, log)
	if err != nil {
		return err
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	s.ReloadOn(reload)
	if err := s.Listen(config.Prefix+"LISTEN", config.Prefix+"ADMIN_LISTEN"); err != nil {
		return err
	}
	log.Info(word, append([]any{"version", build.Info().Version}, details...)...)
	err = s.Run(ctx, urgent)
	log.Info("stopped")
	return errors.Join(err, context.Cause(urgent))
}

// errEmergency says that headway cut the running exchanges.
var errEmergency = errors.New("SIGQUIT: cut the exchanges that still ran")

// emergency returns a context that ends on SIGQUIT. Before that, emergency writes the
// stacks of all goroutines to w, as every Go program does on SIGQUIT. release restores
// Go's own handling of the signal.
func emergency(w io.Writer) (urgent context.Context, release func()) {
	urgent, cancel := context.WithCancelCause(context.Background())
	quit, released := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(quit, syscall.SIGQUIT)
	go func() {
		select {
		case <-quit:
			_ = pprof.Lookup("goroutine").WriteTo(w, 1) // 1 counts equal stacks instead of listing them
			cancel(errEmergency)
		case <-released:
		}
	}()
	return urgent, func() {
		signal.Stop(quit)
		close(released)
	}
}

// upstreams lists the addresses to which c forwards.
func upstreams(c config.Config) []string {
	var all []string
	for _, r := range c.RouteTable {
		all = append(all, r.String())
	}
	return all
}
