package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/probefile"
)

const probeUsage = `usage: headway probe [--file FILE] [--baseline BASELINE]
       headway probe --once [--fail-on CONDITIONS] [--output table|json] [--junit FILE]
       headway probe --plan

Sends the canaries of a probe file and serves their metrics on the admin port, without a
port for applications. The HEADWAY_ variables of headway run hold, but for the routes,
which lead to the URLs of the probes. With --once it sends one canary of each probe,
prints how they went, and ends with 1 if one was not answered as asked or a condition
does not hold. With --plan it sends nothing, and prints what a day costs and how soon
slowdowns will be noticed. docs/canaries.md explains probe files.`

// probeOptions are the parsed arguments of probe.
type probeOptions struct {
	file, baseline, output, junit string
	once, plan                    bool
	conditions                    []condition
}

// runProbe is `headway probe`.
func runProbe(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parseProbe(args, out)
	if err != nil {
		return err
	}
	c, err := o.config(os.Environ())
	if err != nil {
		return usageError{fmt.Errorf("wrong configuration:\n%w", err)}
	}
	switch {
	case o.plan:
		return writePlan(out, c)
	case o.once:
		return o.sendOnce(ctx, c, out, errs)
	}
	return serve(ctx, c, errs, "probing", "probes", len(c.Probes.List))
}

func parseProbe(args []string, out io.Writer) (probeOptions, error) {
	var o probeOptions
	f := newFlags("probe")
	f.StringVar(&o.file, "file", os.Getenv(config.Prefix+"PROBE_FILE"), "`file` of probes; without it, the one of HEADWAY_PROBE_FILE")
	f.StringVar(&o.baseline, "baseline", os.Getenv(config.Prefix+"BASELINE_FILE"), "`file` of the load test, from headway baseline import; without it, the one of HEADWAY_BASELINE_FILE")
	f.BoolVar(&o.once, "once", false, "send one canary of each probe, print how they went, and end")
	f.BoolVar(&o.plan, "plan", false, "send nothing, and print what the probes cost and notice")
	f.StringVar(&o.output, "output", "table", "`form` of what --once prints: table or json")
	f.StringVar(&o.junit, "junit", "", "`file` for the results of --once as JUnit XML")
	failOn := f.String("fail-on", "", "`conditions` of --once: drift:10%,ttft:500ms,tpot:50ms,e2e:20s; drift is against the cell that baseline: names")
	if err := parse(f, args, probeUsage, out); err != nil {
		return o, err
	}
	var wrong []error
	if o.file == "" {
		wrong = append(wrong, errors.New("which probes? --file FILE"))
	}
	if o.output != "table" && o.output != "json" {
		wrong = append(wrong, fmt.Errorf("--output %q: want table or json%s", o.output, meant(o.output, []string{"table", "json"})))
	}
	if o.once && o.plan {
		wrong = append(wrong, errors.New("--once and --plan: choose one"))
	}
	if !o.once && (*failOn != "" || o.junit != "" || o.output != "table") {
		wrong = append(wrong, errors.New("--fail-on, --junit and --output belong to --once"))
	}
	conditions, err := parseConditions(*failOn)
	o.conditions = conditions
	if err := errors.Join(append(wrong, err)...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// config is the configuration of a sidecar whose routes lead to the targets of the probes.
func (o *probeOptions) config(environ []string) (config.Config, error) {
	text, err := config.ReadFile(o.file, config.MaxFile)
	if err != nil {
		return config.Config{}, err
	}
	f, err := probefile.Parse(o.file, bytes.NewReader(text))
	if err != nil {
		return config.Config{}, err
	}
	if len(f.Probes) == 0 {
		return config.Config{}, fmt.Errorf("%s has no probe", o.file)
	}
	var routes []string
	seen := map[string]bool{}
	for i := range f.Probes {
		if url := f.Probes[i].URL; !seen[url] {
			seen[url] = true
			routes = append(routes, fmt.Sprintf("/target-%d=%s", len(routes)+1, url))
		}
	}
	own := []string{"UPSTREAM", "ROUTES", "LISTEN", "TRANSPARENT_LISTEN", "PROBE_FILE", "BASELINE_FILE"}
	environ = slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(own, strings.TrimPrefix(name, config.Prefix)) && strings.HasPrefix(name, config.Prefix)
	})
	environ = append(environ, config.Prefix+"ROUTES="+strings.Join(routes, ","), config.Prefix+"PROBE_FILE="+o.file)
	if o.baseline != "" {
		environ = append(environ, config.Prefix+"BASELINE_FILE="+o.baseline)
	}
	c, err := config.Read(environ)
	c.Listen = ""
	return c, err
}

// sendOnce sends one canary of each probe and judges it.
func (o *probeOptions) sendOnce(ctx context.Context, c config.Config, out, errs io.Writer) error {
	s, err := sidecar.New(c, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	runs, err := s.Once(ctx)
	if err != nil {
		return err
	}
	var tested *baseline.Baseline
	if c.BaselineFile != "" {
		tested = &c.Tested.Baseline
	}
	results := judgeRuns(runs, o.conditions, tested)
	if o.junit != "" {
		var text bytes.Buffer
		if err := writeProbeJUnit(&text, results); err != nil {
			return err
		}
		if err := replaceFile(o.junit, text.Bytes()); err != nil {
			return err
		}
	}
	if err := writeResults(out, results, o.output); err != nil {
		return err
	}
	return failures(results)
}
