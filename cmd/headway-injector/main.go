// Command headway-injector is an admission webhook of Kubernetes that puts the sidecar into
// pods.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/probe/lease"
)

// Exit codes.
const (
	exitOK     = 0 // also after SIGTERM
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration; the injector has not begun to work
)

const usage = `usage: headway-injector [--check | --version]

Puts the sidecar into pods that ask for one, as an admission webhook of
Kubernetes. Its environment configures it; docs/injector.md says more.

Environment:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command. It returns the exit code of the process.
func run(ctx context.Context, args, environ []string, out, errs io.Writer) int {
	f := flag.NewFlagSet("headway-injector", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	check := f.Bool("check", false, "validate the configuration and exit")
	version := f.Bool("version", false, "print the version and exit")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help(out)
		return exitOK
	case err == nil && f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(errs, "headway-injector: %v; headway-injector -h lists the flags\n", err)
		return exitUsage
	}
	if *version {
		b := build.Info()
		fmt.Fprintf(out, "headway-injector %s (commit %s, %s)\n", b.Version, cmp.Or(b.Revision, "unknown"), b.Go)
		return exitOK
	}
	c, err := injector.ReadConfig(environ)
	if err != nil {
		fmt.Fprintf(errs, "headway-injector: wrong configuration:\n%v\n", err)
		return exitUsage
	}
	if *check {
		fmt.Fprintln(out, "configuration is valid")
		return exitOK
	}
	if err := serve(ctx, &c, errs); err != nil {
		fmt.Fprintf(errs, "headway-injector: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func serve(ctx context.Context, c *injector.Config, errs io.Writer) error {
	if c.APIServer == "" {
		return errors.New("KUBERNETES_SERVICE_HOST is not set: the injector runs in a pod")
	}
	log := config.NewLogger(errs, slog.LevelInfo, "")
	w, err := injector.New(c, injector.InCluster(c.APIServer, lease.Credentials), log)
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

func help(out io.Writer) {
	fmt.Fprint(out, usage)
	for _, v := range injector.Variables() {
		standard := ""
		if v.Default != "" {
			standard = " (default " + v.Default + ")"
		}
		fmt.Fprintf(out, "  %s%s\n      %s\n", v.Name, standard, v.Meaning)
	}
	fmt.Fprint(out, "\nFlags:\n  --check    validate the configuration and exit\n  --version  print the version and exit\n")
}
