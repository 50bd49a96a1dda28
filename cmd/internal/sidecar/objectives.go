package sidecar

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// stateFile holds the error budgets, below HEADWAY_STATE_DIR.
const stateFile = "error-budgets.json"

// objectives is the SLO file of a sidecar while it runs: its judge, and everything that
// follows when the file changes.
type objectives struct {
	judge *slo.Judge
	file  *liveFile // nil without HEADWAY_SLO_FILE
	state string    // path of the error budgets; empty keeps none
	log   *slog.Logger
	// changed gets every set that comes into force.
	changed func(slo.Set)
}

// newObjectives returns a judge by the SLOs of c, which hands exchanges on to next.
func newObjectives(c config.Config, log *slog.Logger, next exchange.ChainObserver) *objectives {
	o := &objectives{judge: slo.New(slo.Config{Set: c.SLOs.Set, Role: c.Role, Next: next}), log: log, changed: func(slo.Set) {}}
	if c.StateDir != "" {
		o.state = filepath.Join(c.StateDir, stateFile)
	}
	if c.SLOFile != "" {
		o.file = &liveFile{path: c.SLOFile, take: o.take, log: log, seen: sha256.Sum256(c.SLOs.Text)}
		o.warn(c.SLOs.Warnings)
	}
	return o
}

// take judges by the SLOs in text from now on, if nothing is wrong with them.
func (o *objectives) take(text []byte) error {
	set, warnings, err := config.ParseSLOs(o.file.path, text, rules.Options{})
	if err != nil {
		return err
	}
	o.warn(warnings)
	o.changed(set)
	o.judge.Replace(set)
	return nil
}

func (o *objectives) warn(warnings []slo.Warning) {
	for _, w := range warnings {
		o.log.Warn("SLO file", "warning", w.Error())
	}
}

// follow keeps the error budgets, and takes changes of the file over, until ctx ends.
func (o *objectives) follow(ctx context.Context, asked <-chan os.Signal) {
	kept := make(chan struct{})
	go func() {
		o.judge.Keep(ctx, o.state, o.log)
		close(kept)
	}()
	if o.file != nil {
		o.file.follow(ctx, asked)
	}
	<-kept
}

// counted has the promises and the counts of the judge, in the exporter's words.
func (o *objectives) counted() []exporter.SLO {
	totals := o.judge.Totals()
	out := make([]exporter.SLO, len(totals))
	for i, t := range totals {
		out[i] = exporter.SLO{
			Name: t.Name, Objective: t.Objective / 100, Limits: limits(t.Good), Timed: t.Timed, OnTime: t.OnTime,
		}
	}
	return out
}

// edges are the limits at which histograms need the edge of a bucket.
func edges(set slo.Set) exporter.Edges {
	var out exporter.Edges
	for i := range set.SLOs {
		out = append(out, limits(set.SLOs[i].Good)...)
	}
	return out
}

func limits(good []slo.Objective) []exporter.Limit {
	out := make([]exporter.Limit, len(good))
	for i, o := range good {
		out[i] = exporter.Limit{Indicator: o.Indicator, Limit: o.Limit}
	}
	return out
}

// reloaded says whether the file's newest content is in force.
func (o *objectives) reloaded() bool { return o.file == nil || !o.file.failed.Load() }
