package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

const runUsage = `usage: headway run [--check]

Forwards LLM traffic and measures it, configured by environment. SIGTERM or SIGINT
lets running exchanges finish, up to HEADWAY_DRAIN_TIMEOUT.
docs/configuration.md explains the variables:`

// runSidecar is `headway run`.
func runSidecar(ctx context.Context, args []string, out, errs io.Writer) error {
	f := newFlags("run")
	check := f.Bool("check", false, "validate the configuration and exit")
	if err := parse(f, args, runUsage+"\n"+listVariables(), out); err != nil {
		return err
	}
	c, err := readConfig(os.Environ())
	if err != nil {
		return usageError{fmt.Errorf("wrong configuration:\n%w", err)}
	}
	log := newLogger(c, errs)
	if unknown := unknownVariables(os.Environ()); len(unknown) > 0 {
		log.Warn("unknown variables have no effect", "variables", strings.Join(unknown, " "))
	}
	if *check {
		fmt.Fprintln(out, "configuration is valid")
		return nil
	}
	s, err := newSidecar(c, log)
	if err != nil {
		return err
	}
	if err := s.listen(envPrefix+"LISTEN", envPrefix+"ADMIN_LISTEN"); err != nil {
		return err
	}
	log.Info("starting", "version", build().Version, "role", c.Role, "upstreams", upstreams(c))
	err = s.run(ctx)
	log.Info("stopped")
	return err
}

// upstreams lists where c forwards to.
func upstreams(c config) []string {
	var all []string
	for _, r := range c.routes {
		all = append(all, r.String())
	}
	return all
}
