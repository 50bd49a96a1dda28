package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// runSidecar is `headway run`.
func runSidecar(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	check := f.Bool("check", false, "validate the configuration and exit")
	if err := parse(f, args, errs); err != nil {
		return err
	}
	c, err := readConfig(os.Environ())
	if err != nil {
		return usageError{fmt.Errorf("wrong configuration:\n%w", err)}
	}
	if *check {
		fmt.Fprintln(out, "configuration is valid")
		return nil
	}
	log := newLogger(c, errs)
	if unknown := unknownVariables(os.Environ()); len(unknown) > 0 {
		log.Warn("unknown variables have no effect", "variables", strings.Join(unknown, " "))
	}
	s, err := newSidecar(c, log)
	if err != nil {
		return err
	}
	if err := s.listen(); err != nil {
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
