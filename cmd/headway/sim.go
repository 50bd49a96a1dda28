package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

const simUsage = `usage: headway sim [flags]

Serves the APIs of OpenAI, Anthropic, Gemini, Bedrock, Ollama and others from a simulated inference engine; docs/simulator.md describes them.`

// runSim is `headway sim`.
func runSim(ctx context.Context, args []string, out, errs io.Writer) error {
	c := modelsim.DefaultConfig()
	f := newFlags("sim")
	listen := f.String("listen", "127.0.0.1:8000", "address to serve the API on")
	simFlags(f, &c)
	if err := parse(f, args, simUsage, out); err != nil {
		return err
	}
	if err := config.CheckAddress(*listen); err != nil {
		return usageError{fmt.Errorf("--listen: %w; for example 127.0.0.1:8000", err)}
	}
	makeRoom(&c)
	if err := c.Validate(); err != nil {
		return usageError{err}
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	log := config.NewLogger(errs, slog.LevelInfo, "")
	sim, err := modelsim.New(c, log)
	if err != nil {
		_ = l.Close()
		return err
	}
	return serveSim(ctx, l, sim, log)
}

// makeRoom raises the token budget of a step, so that every running sequence can draft
// all its tokens.
func makeRoom(c *modelsim.Config) {
	c.TokenBudget = max(c.TokenBudget, c.MaxRunning*(1+c.DraftTokens))
}

// simFlags adds a flag for each setting of the simulator to f.
func simFlags(f *flag.FlagSet, c *modelsim.Config) {
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of everything random")
	f.DurationVar(&c.StepBase, "step", c.StepBase, "time of a decode step with nothing in the batch")
	f.DurationVar(&c.StepPerSequence, "step-per-sequence", c.StepPerSequence, "what each running sequence adds to a step")
	f.DurationVar(&c.PrefillBase, "prefill", c.PrefillBase, "time that every request spends before its prefill")
	f.DurationVar(&c.PrefillPerToken, "prefill-per-token", c.PrefillPerToken, "prefill time of one uncached prompt token")
	f.IntVar(&c.MaxRunning, "max-running", c.MaxRunning, "sequences in the batch; more wait")
	f.IntVar(&c.DraftTokens, "draft-tokens", c.DraftTokens, "tokens that speculative decoding proposes a step")
	f.Float64Var(&c.DraftAcceptance, "draft-acceptance", c.DraftAcceptance, "probability that a proposed token is accepted")
	f.IntVar(&c.RequestsPerMinute, "rpm", c.RequestsPerMinute, "requests a minute before 429; 0 is no limit")
	f.IntVar(&c.TokensPerMinute, "tpm", c.TokensPerMinute, "tokens a minute before 429; 0 is no limit")
	f.BoolVar(&c.TellMetrics, "tell-metrics", c.TellMetrics, "report in each answer how long its request waited for the engine and how long the engine worked on it, as vLLM can")
	f.BoolVar(&c.Gzip, "gzip", c.Gzip, "compress answers for clients that accept it")
	f.Func("fault", "`faults` that strike at random, as in stall=2s@10:0.01,http=503:0.02; may be repeated", func(v string) error {
		rules, err := modelsim.ParseFaultRules(v)
		c.Faults = append(c.Faults, rules...)
		return err
	})
}

// serveSim serves sim on l until ctx ends, and closes both.
func serveSim(ctx context.Context, l net.Listener, sim *modelsim.Server, log *slog.Logger) error {
	defer sim.Close()
	server := &http.Server{Handler: sim.Handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	log.Info("simulated model server", "url", "http://"+l.Addr().String()+"/v1")
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	if err := server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
