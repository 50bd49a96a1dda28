package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/exporter"
)

const dashboardsUsage = `usage: headway dashboards --out DIR [flags]

Writes Grafana dashboards for headway's metrics into DIR, a file a dashboard. Import
them in Grafana, or with --configmaps apply them in Kubernetes. docs/dashboards.md
shows them.`

// dashboardsOptions are the parsed arguments of dashboards.
type dashboardsOptions struct {
	dir        string
	build      dashboards.Options
	configMaps bool
	object     dashboards.ConfigMap
}

// runDashboards is `headway dashboards`.
func runDashboards(_ context.Context, args []string, out, _ io.Writer) error {
	o, err := parseDashboards(args, out)
	if err != nil {
		return err
	}
	all, err := dashboards.All(o.build)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil { //nolint:gosec // others may read dashboards
		return fmt.Errorf("making the folder of --out: %w", err)
	}
	for _, d := range all {
		path, content := filepath.Join(o.dir, d.UID+".json"), d.JSON
		if o.configMaps {
			path, content = filepath.Join(o.dir, d.UID+".yaml"), o.object.YAML(d)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil { //nolint:gosec // the same
			return fmt.Errorf("writing a dashboard: %w", err)
		}
		fmt.Fprintln(out, path)
	}
	if o.build.Recorded {
		return o.writeRules(out)
	}
	return nil
}

// writeRules writes the rules of --recorded beside the dashboards.
func (o *dashboardsOptions) writeRules(out io.Writer) error {
	rules, err := dashboards.Rules(o.build)
	if err != nil {
		return err
	}
	path := filepath.Join(o.dir, "headway-dashboards.rules.yaml")
	if err := os.WriteFile(path, rules, 0o644); err != nil { //nolint:gosec // others may read rules
		return fmt.Errorf("writing the rules of the dashboards: %w", err)
	}
	fmt.Fprintln(out, path)
	return nil
}

func parseDashboards(args []string, out io.Writer) (dashboardsOptions, error) {
	o := dashboardsOptions{build: dashboards.Options{Histograms: dashboards.Classic, SemConv: exporter.V141}}
	f := newFlags("dashboards")
	f.StringVar(&o.dir, "out", "", "`folder` for the dashboards; made if it is not there")
	f.StringVar((*string)(&o.build.Histograms), "histograms", string(o.build.Histograms), "`kind` of histogram that the queries read: classic or native")
	f.StringVar((*string)(&o.build.SemConv), "semconv", string(o.build.SemConv), "`names` of gen_ai_client_*, the sidecars' HEADWAY_SEMCONV: v1.41, v0.1 or dup")
	f.BoolVar(&o.build.Recorded, "recorded", false, "for a large fleet: read histograms from recorded series, and write the rules that record them")
	f.BoolVar(&o.configMaps, "configmaps", false, "write Kubernetes ConfigMaps, which the Grafana of kube-prometheus-stack loads by itself")
	f.StringVar(&o.object.Namespace, "namespace", "", "Kubernetes `namespace` of the ConfigMaps")
	f.StringVar(&o.object.Folder, "folder", "headway", "`folder` in Grafana, as the ConfigMaps name it")
	if err := parse(f, args, dashboardsUsage, out); err != nil {
		return o, err
	}
	if err := o.check(f); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// check returns every problem of the options and of their combination.
func (o *dashboardsOptions) check(f *flag.FlagSet) error {
	var wrong []error
	if o.dir == "" {
		wrong = append(wrong, errors.New("where to? --out DIR"))
	}
	if !slices.Contains(dashboards.Kinds(), o.build.Histograms) {
		wrong = append(wrong, fmt.Errorf("--histograms %q: want classic or native%s", o.build.Histograms, meant(string(o.build.Histograms), words(dashboards.Kinds()))))
	}
	if !slices.Contains(exporter.SemConvs(), o.build.SemConv) {
		wrong = append(wrong, fmt.Errorf("--semconv %q: want v1.41, v0.1 or dup%s", o.build.SemConv, meant(string(o.build.SemConv), words(exporter.SemConvs()))))
	}
	f.Visit(func(set *flag.Flag) {
		if (set.Name == "namespace" || set.Name == "folder") && !o.configMaps {
			wrong = append(wrong, fmt.Errorf("--%s has no place without --configmaps", set.Name))
		}
	})
	return errors.Join(wrong...)
}
