package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/probe/overhead"
)

const overheadUsage = `usage: headway overhead --target URL --model NAME [flags]

Sends pairs of like requests to a service, one directly and one through a sidecar, in
random order, and prints what the sidecar adds to TTFT, TPOT and E2E, with an interval
that holds the true difference with 95 %, and with the probability of a difference as
large where there is none. It starts a sidecar of its own, or uses the one at --through.
docs/overhead.md explains the numbers.`

// fewestPairs is how many pairs an interval needs.
const fewestPairs = 6

// overheadOptions are the flags of the command.
type overheadOptions struct {
	target, through     string    // URLs, whose paths may be secret; without through, headway starts a sidecar
	shown               [2]string // host and port of each way, for the output
	dialect, model, key string    // key is the value of the variable that --key-env names
	plan                overhead.Plan
	input, answer       int // tokens of a request
	timeout             time.Duration
	output              string
}

// runOverhead is `headway overhead`.
func runOverhead(ctx context.Context, args []string, out, errs io.Writer) error {
	o := overheadOptions{}
	f := newFlags("overhead")
	f.StringVar(&o.target, "target", "", "`URL` of the service: scheme, host, and the path before that of the API")
	f.StringVar(&o.through, "through", "", "`URL` at which a running sidecar forwards to the target; without it, the command starts a sidecar")
	f.StringVar(&o.dialect, "dialect", "openai-chat", "`API` that the service speaks: "+strings.Join(canary.Dialects(), ", "))
	f.StringVar(&o.model, "model", "", "`name` of the model")
	keyEnv := f.String("key-env", "", "`name` of the environment variable that holds the API key")
	f.IntVar(&o.plan.Pairs, "pairs", 100, "pairs that count")
	f.IntVar(&o.plan.Warmup, "warmup", 2, "pairs that are sent first and do not count, for each pair at a time")
	f.IntVar(&o.plan.Concurrency, "concurrency", 1, "pairs at a time")
	f.IntVar(&o.input, "input-tokens", 100, "length of a prompt; the first ones find it")
	f.IntVar(&o.answer, "output-tokens", 64, "longest answer")
	f.IntVar(&o.plan.MaxTokens, "max-tokens", 100_000, "most tokens that all requests may take together")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "longest time for a request")
	f.Uint64Var(&o.plan.Seed, "seed", 1, "seed of the order within pairs")
	f.StringVar(&o.output, "output", "table", "`form` of the output: table or json")
	if err := parse(f, args, overheadUsage, out); err != nil {
		return err
	}
	if *keyEnv != "" {
		o.key = os.Getenv(*keyEnv)
	}
	routes, err := o.check(*keyEnv)
	if err != nil {
		return usageError{err}
	}
	return o.measure(ctx, routes, out, errs)
}

// check returns every problem of the options, or the ways to the service.
func (o *overheadOptions) check(keyEnv string) (routes [2]config.Config, err error) {
	wrong := o.checkNumbers()
	if o.target == "" {
		wrong = append(wrong, errors.New("--target is missing; for example --target https://api.openai.com"))
	} else if routes[overhead.Direct], err = overheadConfig(o.target, "target"); err != nil {
		wrong = append(wrong, err)
	}
	if o.through != "" {
		if routes[overhead.Through], err = overheadConfig(o.through, "through"); err != nil {
			wrong = append(wrong, err)
		}
	}
	if o.model == "" {
		wrong = append(wrong, errors.New("--model is missing; for example --model gpt-4o-mini"))
	}
	if !slices.Contains(canary.Dialects(), o.dialect) {
		wrong = append(wrong, fmt.Errorf("--dialect %q: want %s%s", o.dialect, strings.Join(canary.Dialects(), ", "), meant(o.dialect, canary.Dialects())))
	}
	if keyEnv != "" && o.key == "" {
		wrong = append(wrong, fmt.Errorf("--key-env %q: the environment has no such variable, or an empty one", keyEnv))
	}
	if forms := []string{"table", "json"}; !slices.Contains(forms, o.output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want table or json%s", o.output, meant(o.output, forms)))
	}
	return routes, errors.Join(wrong...)
}

// checkNumbers returns the problems of the numbers, and of the tokens that they add up to.
func (o *overheadOptions) checkNumbers() (wrong []error) {
	for _, n := range []struct {
		flag        string
		value       int
		least, most int
	}{
		{"pairs", o.plan.Pairs, fewestPairs, 2000}, {"warmup", o.plan.Warmup, 1, 100}, {"concurrency", o.plan.Concurrency, 1, 256},
		{"input-tokens", o.input, 20, 1_000_000}, {"output-tokens", o.answer, 2, 100_000},
	} {
		if n.value < n.least || n.value > n.most {
			wrong = append(wrong, fmt.Errorf("--%s %d: want %d to %d", n.flag, n.value, n.least, n.most))
		}
	}
	if o.timeout <= 0 {
		wrong = append(wrong, fmt.Errorf("--timeout %v: want more than 0; for example --timeout 1m", o.timeout))
	}
	if len(wrong) > 0 {
		return wrong
	}
	pairs := o.plan.Pairs + o.plan.Warmup*o.plan.Concurrency
	if need := 2 * pairs * (o.input + o.answer); need > o.plan.MaxTokens {
		wrong = append(wrong, fmt.Errorf("--max-tokens %d: %d pairs of %d + %d tokens may take %d; send fewer or shorter ones, or allow --max-tokens %d",
			o.plan.MaxTokens, pairs, o.input, o.answer, need, need))
	}
	return wrong
}

// overheadConfig is the configuration of a proxy before upstream, which the user has
// written behind a flag.
func overheadConfig(upstream, flag string) (config.Config, error) {
	c, err := config.Read([]string{
		config.Prefix + "UPSTREAM=" + upstream,
		config.Prefix + "LISTEN=127.0.0.1:0",
		config.Prefix + "ADMIN_LISTEN=127.0.0.1:0",
		config.Prefix + "DRAIN_DELAY=0",
		config.Prefix + "DRAIN_TIMEOUT=5s",
	})
	if err != nil {
		err = inFlags(err, map[string]string{"UPSTREAM": flag})
	}
	return c, err
}

// measure runs the plan and prints what it found.
func (o *overheadOptions) measure(ctx context.Context, routes [2]config.Config, out, errs io.Writer) error {
	quiet := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelError}))
	if o.through == "" {
		through, stop, err := startOverheadSidecar(routes[overhead.Direct], quiet)
		if err != nil {
			return err
		}
		defer stop()
		if routes[overhead.Through], err = overheadConfig("http://"+through, "through"); err != nil {
			return err
		}
	}
	o.shown = [2]string{routes[overhead.Direct].RouteTable[0].Upstream.Address(), "a sidecar in this process"}
	if o.through != "" {
		o.shown[overhead.Through] = routes[overhead.Through].RouteTable[0].Upstream.Address()
	}
	lanes, err := newOverheadLanes(o, routes, quiet)
	if err != nil {
		return err
	}
	defer lanes.close()
	o.plan.Send = lanes.send
	o.plan.Progress = newCountdown(errs, o.plan.Pairs).done
	found, err := overhead.Run(ctx, o.plan)
	switch {
	case errors.Is(err, overhead.ErrTokens):
		err = fmt.Errorf("%w: --max-tokens %d allows no further pair, because the answers took more than planned", err, o.plan.MaxTokens)
	case errors.Is(err, overhead.ErrFailing):
		err = fmt.Errorf("%w: %w", err, cmp.Or(found.Errors[overhead.Direct], found.Errors[overhead.Through]))
	case err == nil && len(found.Pairs) < fewestPairs:
		err = fmt.Errorf("%d pairs were answered both ways, which are too few to judge by: %w", len(found.Pairs), cmp.Or(found.Errors[overhead.Direct], found.Errors[overhead.Through]))
	}
	if len(found.Pairs) == 0 {
		return err
	}
	return errors.Join(writeOverhead(out, o, found), err)
}

// startOverheadSidecar starts a sidecar in this process and returns its address. stop ends
// it and waits for its end.
func startOverheadSidecar(c config.Config, log *slog.Logger) (address string, stop func(), err error) {
	s, err := sidecar.New(c, log)
	if err != nil {
		return "", nil, err
	}
	if err := s.Listen("the sidecar", "the sidecar's admin port"); err != nil {
		return "", nil, err
	}
	running, end := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := s.Run(running, context.Background()); err != nil {
			log.Error("the sidecar ended", "error", err)
		}
	}()
	return s.Addr().String(), func() { end(); <-over }, nil
}

// countdown says how far a long work has come: on a terminal in one line, elsewhere in ten.
type countdown struct {
	to       io.Writer
	all      int
	terminal bool
	said     time.Time
}

func newCountdown(to io.Writer, all int) *countdown {
	file, ok := to.(*os.File)
	return &countdown{to: to, all: all, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// done says that so many pairs are over.
func (c *countdown) done(n int) {
	now := time.Now()
	switch {
	case c.terminal && (n == c.all || now.Sub(c.said) > 200*time.Millisecond):
		c.said = now
		fmt.Fprintf(c.to, "\rpair %d of %d", n, c.all)
		if n == c.all {
			fmt.Fprintln(c.to)
		}
	case !c.terminal && n*10/c.all > (n-1)*10/c.all:
		fmt.Fprintf(c.to, "pair %d of %d\n", n, c.all)
	}
}
