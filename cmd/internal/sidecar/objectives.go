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

// stateFile is the name of the file with the error budgets in HEADWAY_STATE_DIR.
const stateFile = "error-budgets.json"

// objectives keeps the SLO file of a running sidecar: the judge by its SLOs, and the
// parts that need every change of the file.
type objectives struct {
	judge *slo.Judge
	file  *liveFile // nil without HEADWAY_SLO_FILE
	state string    // path of the error budgets; empty keeps none
	seen  slo.Traffic
	log   *slog.Logger
	// changed is called with every set that comes into force, before the judge uses it.
	changed func(slo.Set)
}

// newObjectives returns objectives with the SLOs of c. The judge passes exchanges on to
// next.
func newObjectives(c config.Config, log *slog.Logger, next exchange.ChainObserver) *objectives {
	o := &objectives{judge: slo.New(slo.Config{Set: c.SLOs.Set, Role: c.Role, Next: next}), seen: Traffic(c), log: log, changed: func(slo.Set) {}}
	if c.StateDir != "" {
		o.state = filepath.Join(c.StateDir, stateFile)
	}
	if c.SLOFile != "" {
		o.file = &liveFile{path: c.SLOFile, apply: o.apply, log: log, seen: sha256.Sum256(c.SLOs.Text)}
		o.warn(append(c.SLOs.Warnings, o.seen.Unmatched(c.SLOs.Set)...))
	}
	return o
}

// apply parses text and puts its SLOs into force. After an error the SLOs before stay
// in force.
func (o *objectives) apply(text []byte) error {
	set, warnings, err := config.ParseSLOs(o.file.path, text, rules.Options{})
	if err != nil {
		return err
	}
	o.warn(append(warnings, o.seen.Unmatched(set)...))
	o.changed(set)
	for _, name := range o.judge.Replace(set) {
		o.log.Warn("the error budget begins anew, because the SLO judges otherwise now", "slo", name)
	}
	return nil
}

func (o *objectives) warn(warnings []slo.Warning) {
	for _, w := range warnings {
		o.log.Warn("SLO file", "warning", w.Error())
	}
}

// follow keeps the error budgets and applies changes of the file until ctx ends. A
// signal on asked makes it read the file at once.
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

// counted returns the SLOs of the judge and their counts, as the exporter's types.
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

// edges returns the limits of the SLOs, at which histograms need the edge of a bucket.
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

// reloaded says whether the newest content of the file is in force.
func (o *objectives) reloaded() bool { return o.file == nil || !o.file.failed.Load() }
