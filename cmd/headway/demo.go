package main

import (
	"context"
	_ "embed" // of the demo's SLOs
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/slo/rules"
)

// demoSLOs is the SLO file of the demo. The flag --slo replaces it.
//
//go:embed demo.slo.yaml
var demoSLOs []byte

// demoOptions are the flags of the demo.
type demoOptions struct {
	listen, admin string
	slo           string // SLO file; empty is demoSLOs
	rps           float64
	seed          uint64
	length        time.Duration // 0 runs until interrupted
	every         time.Duration // between two tables
}

// demoRetries is the number of retries of the demo's application for a failed call, the
// same as in the SDKs.
const demoRetries = 2

const demoUsage = `usage: headway demo [flags]

Runs a simulated model server, a sidecar before it and an application's traffic
through both, and shows what the sidecar measures. Ctrl-C ends it.`

// runDemo is `headway demo`: everything on loopback, with nothing else installed.
func runDemo(ctx context.Context, args []string, out, errs io.Writer) error {
	var o demoOptions
	f := newFlags("demo")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8480", "`address` where the sidecar takes the application's requests")
	f.StringVar(&o.admin, "admin", "127.0.0.1:8481", "`address` where it serves metrics and health")
	f.StringVar(&o.slo, "slo", "", "SLO `file` to judge by; without it, the demo's own")
	f.Float64Var(&o.rps, "rps", 6, "requests a second of the simulated application")
	f.Uint64Var(&o.seed, "seed", 2, "seed of the application and the model server")
	f.DurationVar(&o.length, "for", 0, "how long to run; without it, until Ctrl-C")
	f.DurationVar(&o.every, "every", time.Second, "time between two tables")
	if err := parse(f, args, demoUsage, out); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return usageError{err}
	}
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	return demo(ctx, o, out, errs)
}

// check returns every problem of the options.
func (o demoOptions) check() error {
	var wrong []error
	if err := config.CheckAddress(o.listen); err != nil {
		wrong = append(wrong, fmt.Errorf("--listen: %w", err))
	}
	if err := config.CheckAddress(o.admin); err != nil {
		wrong = append(wrong, fmt.Errorf("--admin: %w", err))
	}
	if o.rps <= 0 || o.every <= 0 || o.length < 0 {
		wrong = append(wrong, errors.New("--rps and --every must be positive, --for not negative"))
	}
	return errors.Join(wrong...)
}

// demo runs a simulated model server, a sidecar before it and an application's traffic
// through both, and shows the measurements of the sidecar, until ctx ends.
func demo(ctx context.Context, o demoOptions, out, errs io.Writer) error {
	quiet := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelError}))
	model, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the model server: %w", err)
	}
	view := live.NewView(time.Now)
	s, err := demoSidecar(o, model.Addr().String(), quiet, view)
	if err != nil {
		_ = model.Close()
		return err
	}
	view.SLOs = s.SLOs
	fmt.Fprintf(out, "model server  http://%s/v1 (simulated)\nsidecar       http://%s/v1 (what the application calls)\nmetrics       http://%s/metrics\n"+
		"faults        curl -T - http://%s/sim/faults <<< http=503:0.5 (of the model server)\n\n",
		model.Addr(), s.Addr(), s.AdminAddr(), model.Addr())

	// The application stops first, then the sidecar, then the model server.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	g, ctx := errgroup.WithContext(ctx) // if a server fails, the traffic ends too
	g.Go(func() error { return serveSim(serving, model, demoModel(o), quiet) })
	g.Go(func() error { return s.Run(serving, context.Background()) })
	g.Go(func() error {
		defer stopServing()
		traffic := demoTraffic(o, s.Addr().String())
		shown := make(chan struct{})
		go func() {
			defer close(shown)
			live.NewScreen(out).Follow(ctx, view, o.every)
		}()
		traffic.Run(ctx)
		<-shown
		return nil
	})
	return g.Wait()
}

// demoSidecar is a sidecar before the model server at address, with its ports bound.
func demoSidecar(o demoOptions, address string, log *slog.Logger, view *live.View) (*sidecar.Sidecar, error) {
	c, err := config.Read([]string{
		config.Prefix + "UPSTREAM=http://" + address,
		config.Prefix + "LISTEN=" + o.listen,
		config.Prefix + "ADMIN_LISTEN=" + o.admin,
		config.Prefix + "SLO_FILE=" + o.slo,
		config.Prefix + "DRAIN_TIMEOUT=5s",
		config.Prefix + "DRAIN_DELAY=0",
	})
	if err != nil {
		return nil, inFlags(err, map[string]string{"LISTEN": "listen", "ADMIN_LISTEN": "admin", "SLO_FILE": "slo"})
	}
	if o.slo == "" {
		if c.SLOs.Set, _, err = config.ParseSLOs("demo.slo.yaml", demoSLOs, rules.Options{}); err != nil {
			return nil, err
		}
	}
	s, err := sidecar.New(c, log, view)
	if err != nil {
		return nil, err
	}
	if err := s.Listen("--listen", "--admin"); err != nil {
		return nil, fmt.Errorf("%w; 127.0.0.1:0 is any free port", err)
	}
	return s, nil
}

// demoModel is a model server that is busy enough to be worth watching: it drafts
// tokens, limits its users, and sometimes fails. The calls of an outage, with all their
// retries, stay below the rate limit. Otherwise calls would keep failing after the
// outage, because of the limit.
func demoModel(o demoOptions) modelsim.Config {
	c := modelsim.DefaultConfig()
	c.Models = []string{"sim-medium"}
	c.Seed = o.seed
	c.DraftTokens, c.DraftAcceptance = 3, 0.4
	makeRoom(&c)
	c.RequestsPerMinute = int(math.Ceil(o.rps * 60 * 1.2 * (1 + demoRetries)))
	rules, err := modelsim.ParseFaultRules("stall=1s@12:0.03,cut@20:0.002,error@15:0.002,http=500:0.004")
	if err == nil { // the list is a constant, and a test parses it
		c.Faults = rules
	}
	return c
}

func demoTraffic(o demoOptions, address string) modelsim.Traffic {
	return modelsim.Traffic{
		BaseURL: "http://" + address + "/v1", RPS: o.rps, Seed: o.seed, Model: "sim-medium",
		LeaveShare: 0.03, MaxRetries: demoRetries,
	}
}
