package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

const rulesUsage = `usage: headway rules [--slo FILE] [--streams] [--drift] [flags]

Prints recording rules and burn-rate alerts for the SLOs of FILE, headway's own
file or OpenSLO documents; - is standard input. With --streams it prints alerts on
streams that stopped in their middle, with --drift those for a service that is slower
than its load test. docs/slos.md explains all of them.`

// rulesOptions are the parsed arguments of rules.
type rulesOptions struct {
	file    string
	format  rules.Format
	object  rules.Object
	options rules.Options
}

// runRules is `headway rules`.
func runRules(_ context.Context, args []string, out, errs io.Writer) error {
	o, err := parseRules(args, out)
	if err != nil {
		return err
	}
	var set slo.Set
	if o.file != "" {
		var warnings []slo.Warning
		if set, warnings, err = readSLOs(o.file, o.options); err != nil {
			return err
		}
		warn(errs, "rules", append(warnings, anywhere().Unmatched(set)...))
	}
	return rules.Write(out, rules.Render(set, o.options), o.format, o.object)
}

func parseRules(args []string, out io.Writer) (rulesOptions, error) {
	o := rulesOptions{object: rules.Object{Labels: map[string]string{}}}
	var wrong []error
	f := newFlags("rules")
	f.StringVar(&o.file, "slo", "", "SLO `file`, or OpenSLO documents; - is standard input")
	f.StringVar((*string)(&o.format), "format", string(rules.Prometheus), "`form` of the output: prometheus, operator (a PrometheusRule) or mimir")
	windows := f.String("windows", "", "alert `windows`: 30d, 28d, or a file; without it, 28d for SLOs over whole weeks and 30d for others")
	scale := f.String("scale", "1", "shorten every duration, for tests: 1/60 makes an hour a `minute`")
	f.DurationVar(&o.options.Resolution, "resolution", 0, "`window` of the rates from which the rules compute everything else, four scrapes at least (default 5m)")
	f.BoolVar(&o.options.Probes, "probes", false, "canaries run: use their results where traffic is below the floor")
	f.BoolVar(&o.options.Drift, "drift", false, "headway compares with a load test (HEADWAY_BASELINE_FILE): alert when the service is slower")
	f.BoolVar(&o.options.Streams, "streams", false, "alert on streams that are open and bring nothing")
	f.StringVar(&o.options.Runbooks, "runbooks", rules.Runbooks, "`URL` before the names of the alerts' pages")
	f.StringVar(&o.object.Name, "name", "headway-slo", "`name` of the PrometheusRule, or of the ruler's namespace")
	f.StringVar(&o.object.Namespace, "namespace", "", "Kubernetes `namespace` of the PrometheusRule")
	f.Func("label", "`key=value` on the PrometheusRule, for the operator's ruleSelector; may be repeated", func(text string) error {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return errors.New("want key=value")
		}
		o.object.Labels[key] = value
		return nil
	})
	if err := parse(f, args, rulesUsage, out); err != nil {
		return o, err
	}
	wrong = append(wrong, o.setWindows(*windows), o.setScale(*scale), o.check(f))
	if err := errors.Join(wrong...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// check returns every problem of the options and of their combination.
func (o *rulesOptions) check(f *flag.FlagSet) error {
	var wrong []error
	if o.file == "" && !o.options.Drift && !o.options.Probes && !o.options.Streams {
		wrong = append(wrong, errors.New("which SLOs? --slo FILE; or --streams for streams that stopped, --drift for a service that is slower than its load test"))
	}
	if !slices.Contains(rules.Formats(), o.format) {
		wrong = append(wrong, fmt.Errorf("--format %q: want prometheus, operator or mimir%s", o.format, meant(string(o.format), ruleFormats())))
	}
	f.Visit(func(set *flag.Flag) {
		kubernetes := set.Name == "namespace" || set.Name == "label"
		if kubernetes && o.format != rules.Operator || set.Name == "name" && o.format == rules.Prometheus {
			wrong = append(wrong, fmt.Errorf("--%s has no place in --format %s", set.Name, o.format))
		}
	})
	wrong = append(wrong, o.options.Check())
	return errors.Join(wrong...)
}

func ruleFormats() (names []string) {
	for _, format := range rules.Formats() {
		names = append(names, string(format))
	}
	return names
}

func (o *rulesOptions) setWindows(text string) error {
	var w rules.Windows
	switch text {
	case "":
		return nil
	case "30d":
		w = rules.Workbook30d()
	case "28d":
		w = rules.Workbook28d()
	default:
		file, err := os.Open(text)
		if err != nil {
			return fmt.Errorf("--windows: %w; or write 30d or 28d", err)
		}
		defer func() { _ = file.Close() }()
		if w, err = rules.ReadWindows(text, file); err != nil {
			return fmt.Errorf("--windows: %w", err)
		}
	}
	o.options.Windows = &w
	return nil
}

// setScale reads the value of --scale, a fraction such as 1/60 or a decimal such as
// 0.1.
func (o *rulesOptions) setScale(text string) error {
	above, below, fraction := strings.Cut(text, "/")
	scale, err := strconv.ParseFloat(above, 64)
	if err == nil && fraction {
		var by float64
		by, err = strconv.ParseFloat(below, 64)
		scale /= by
	}
	if err != nil || !(scale > 0 && scale <= 1) {
		return fmt.Errorf("--scale %q: want more than 0 and at most 1: 1/60", text)
	}
	o.options.Scale = scale
	return nil
}
