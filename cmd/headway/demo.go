package main

import (
	"bytes"
	"context"
	_ "embed" // of the demo's SLOs, prices, canaries and load test
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/slo/rules"
)

// demoSLOs is the SLO file of the demo. The flag --slo replaces it.
//
//go:embed demo.slo.yaml
var demoSLOs []byte

// demoProbes is the probe file of the demo, for a model server at demoModelAddress.
//
//go:embed demo.probes.yaml
var demoProbes []byte

// demoBaseline is the load test of the demo's model server. A test makes it, in virtual
// time: go test ./cmd/headway -run DemoLoadTest -update
//
//go:embed demo.baseline.json
var demoBaseline []byte

// demoPrices are the prices of the demo's models.
//
//go:embed demo.prices.yaml
var demoPrices []byte

// demoModelAddress is where the demo's model server listens, unless that is taken.
// `headway demo fault` finds it there.
const demoModelAddress = "127.0.0.1:8483"

// demoOptions are the flags of the demo.
type demoOptions struct {
	listen, admin string
	model         string // empty is demoModelAddress, or a free port if that is taken
	slo           string // SLO file; empty is demoSLOs
	rps           float64
	seed          uint64
	length        time.Duration // 0 runs until interrupted
	every         time.Duration // between two tables
	program       string        // as the user called headway
}

const demoUsage = `usage: headway demo [flags]
       headway demo fault [flags] [FAULT…]

Runs a simulated model server, a sidecar before it and an application's traffic
through both, and shows what the sidecar measures beside what the model server
knows. Ctrl-C ends it. headway demo fault breaks the model server of a demo that
runs; headway demo fault -h says how. The demo uses the ports of headway run:
8480 and 8481. To run both, give one of them others, as with
--listen 127.0.0.1:0 --admin 127.0.0.1:0.`

// runDemo is `headway demo`: everything on loopback, with nothing else installed.
func runDemo(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) > 0 && args[0] == "fault" {
		return runDemoFault(ctx, args[1:], out)
	}
	o := demoOptions{program: os.Args[0]}
	f := newFlags("demo")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8480", "`address` where the sidecar takes the application's requests")
	f.StringVar(&o.admin, "admin", "127.0.0.1:8481", "`address` where it serves metrics and health")
	f.StringVar(&o.model, "model", "", "`address` of the model server; without it, "+demoModelAddress+", or any free port if that is taken")
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

// check returns every problem of the options. It binds no port.
func (o demoOptions) check() error {
	var wrong []error
	if o.model != "" {
		if err := config.CheckAddress(o.model); err != nil {
			wrong = append(wrong, fmt.Errorf("--model: %w", err))
		} else if !strings.HasSuffix(o.model, ":0") && slices.Contains([]string{o.listen, o.admin}, o.model) {
			wrong = append(wrong, fmt.Errorf("--model: %q is the sidecar's own address", o.model))
		}
	}
	if _, err := o.config("127.0.0.1:1"); err != nil {
		wrong = append(wrong, err)
	}
	if o.rps <= 0 || o.every <= 0 || o.length < 0 {
		wrong = append(wrong, errors.New("--rps and --every must be positive, --for not negative"))
	}
	return errors.Join(wrong...)
}

// config is the configuration of the sidecar before the model server at address. Errors
// name the flags of the demo: its user has set no variable.
func (o demoOptions) config(address string) (config.Config, error) {
	c, err := config.Read([]string{
		config.Prefix + "UPSTREAM=http://" + address,
		config.Prefix + "LISTEN=" + o.listen,
		config.Prefix + "ADMIN_LISTEN=" + o.admin,
		config.Prefix + "SLO_FILE=" + o.slo,
		config.Prefix + "DRAIN_TIMEOUT=5s",
		config.Prefix + "DRAIN_DELAY=0",
		config.Prefix + "PROBE_LEASE=off",
	})
	if err != nil {
		return c, inFlags(err, map[string]string{"UPSTREAM": "model", "LISTEN": "listen", "ADMIN_LISTEN": "admin", "SLO_FILE": "slo"})
	}
	if o.slo == "" {
		if c.SLOs.Set, _, err = config.ParseSLOs("demo.slo.yaml", demoSLOs, rules.Options{}); err != nil {
			return c, err
		}
	}
	if c.Prices, err = config.ParsePrices("demo.prices.yaml", demoPrices); err != nil {
		return c, err
	}
	return c, compare(&c, address)
}

// compare makes the sidecar of c send canaries to the model server at address, and hold
// them and the application's requests beside the load test. It learns nothing first: the
// simulated service has no hours of the day, and nobody wants to wait for a day.
func compare(c *config.Config, address string) error {
	var err error
	if c.Tested.Baseline, err = config.ParseBaseline(demoBaseline); err != nil {
		return fmt.Errorf("demo.baseline.json: %w", err)
	}
	text := bytes.ReplaceAll(demoProbes, []byte(demoModelAddress), []byte(address))
	if c.Probes, err = config.ParseProbes("demo.probes.yaml", text, &c.Tested.Baseline, c.RouteTable); err != nil {
		return err
	}
	c.Drift = drift.Defaults(time.Minute)
	c.Drift.Learn = 0
	return nil
}

// demo runs a simulated model server, a sidecar before it and an application's traffic
// through both, and shows the measurements of the sidecar, until ctx ends.
func demo(ctx context.Context, o demoOptions, out, errs io.Writer) error {
	quiet := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelError}))
	model, err := listenForModel(o)
	if err != nil {
		return err
	}
	s, err := demoSidecar(o, model.Addr().String(), quiet)
	if err != nil {
		_ = model.Close()
		return err
	}
	sim, err := modelsim.New(demoModel(o), quiet)
	if err != nil {
		return err // a test holds that there is none
	}
	s.View().Truth = truth(sim)
	introduce(out, o, s, model.Addr().String())

	// The application stops first, then the sidecar, then the model server. The last table
	// comes when the sidecar has closed all open calls.
	running, stopped := context.WithCancel(context.WithoutCancel(ctx))
	defer stopped()
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	g, ctx := errgroup.WithContext(ctx) // if a server fails, the traffic ends too
	g.Go(func() error { return serveSim(running, model, sim, quiet) })
	g.Go(func() error {
		defer stopped()
		return s.Run(serving, context.Background())
	})
	calling, hangUp := context.WithCancel(running)
	context.AfterFunc(ctx, func() {
		s.View().Close() // the demo's own end is no client that leaves
		hangUp()
	})
	g.Go(func() error {
		defer stopServing()
		demoTraffic(o, s.Addr().String()).Run(calling)
		return nil
	})
	g.Go(func() error {
		live.NewScreen(out).Follow(running, s.Frame, o.every)
		return nil
	})
	return g.Wait()
}

// introduce says what runs where, and what to try. Each command is on a line of its own
// that a shell takes as it stands.
func introduce(out io.Writer, o demoOptions, s *sidecar.Sidecar, model string) {
	at := ""
	if model != demoModelAddress {
		at = "--addr " + model + " "
	}
	fmt.Fprintf(out, "An application calls a model server through headway. Both are simulated.\n\n"+
		"  application ──▶ headway ──▶ model server\n\n"+
		"  headway        http://%s/v1\n"+
		"  model server   http://%s/v1\n"+
		"  live page      http://%[3]s/\n"+
		"  metrics        http://%[3]s/metrics\n\n"+
		"Break the model server from another terminal, and watch what headway says of it:\n\n"+
		"  %[4]s demo fault %[5]shttp=503:0.5\n"+
		"  %[4]s demo fault %[5]sslow=1.25\n\n"+
		"The model server has rare faults from the start: %[6]s.\n"+
		"The fault none ends these too, and default brings them back.\n\n%[7]s\n",
		s.Addr(), model, s.AdminAddr(), shellWord(o.program), at, strings.ReplaceAll(demoFaults, ",", ", "), live.Legend())
}

// shellWord quotes text for a shell, if need be.
func shellWord(text string) string {
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !harmless(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// listenForModel binds the port of the model server.
func listenForModel(o demoOptions) (net.Listener, error) {
	if o.model != "" {
		l, err := net.Listen("tcp", o.model)
		if err != nil {
			return nil, fmt.Errorf("--model: %w; 127.0.0.1:0 is any free port", err)
		}
		return l, nil
	}
	if l, err := net.Listen("tcp", demoModelAddress); err == nil {
		return l, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // another demo may run
	if err != nil {
		return nil, fmt.Errorf("listening for the model server: %w", err)
	}
	return l, nil
}

// demoSidecar is a sidecar before the model server at address, with its ports bound.
func demoSidecar(o demoOptions, address string, log *slog.Logger) (*sidecar.Sidecar, error) {
	c, err := o.config(address)
	if err != nil {
		return nil, err
	}
	s, err := sidecar.New(c, log)
	if err != nil {
		return nil, err
	}
	if err := s.Listen("--listen", "--admin"); err != nil {
		return nil, fmt.Errorf("%w: headway run or another demo may be there; 127.0.0.1:0 is any free port", err)
	}
	return s, nil
}
