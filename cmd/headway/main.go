// Command headway is a sidecar for LLM traffic: it forwards an application's API
// calls untouched and measures when every token came.
//
// Each subcommand has a file of its own. Everything that reads the environment,
// binds a port or ends the process is in this package.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// Exit codes.
const (
	exitOK     = 0 // also after SIGTERM
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration; headway has not begun to work
)

// errUsage marks an error in the command line or the configuration, which the user can
// correct.
var errUsage = errors.New("usage")

type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, out, errs io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "the sidecar: forwards traffic, measures it, serves metrics", runSidecar},
		{"demo", "a simulated model server, an application's traffic and the sidecar, on loopback", runDemo},
		{"sim", "the simulated model server alone", runSim},
		{"top", "watches a running sidecar: latencies, streams under way, retries", runTop},
		{"report", "a capture as the table that a load-test tool prints", runReport},
		{"baseline", "results of load tests as one form: import, show, compare", runBaseline},
		{"overhead", "what the sidecar adds to TTFT, TPOT and E2E of a service of yours", runOverhead},
		{"probe", "canaries alone, by a probe file: around the clock, or once in a pipeline", runProbe},
		{"rules", "recording rules and burn-rate alerts for Prometheus, from an SLO file", runRules},
		{"dashboards", "Grafana dashboards as JSON, or as ConfigMaps", runDashboards},
		{"slo", "convert: SLOs in the formats of others; suggest: SLOs from a capture; import: from limits of load tests", runSLO},
		{"redirect", "the packet-filter rules of transparent mode: install, remove, show", runRedirect},
		{"wait", "blocks until the sidecar beside it is ready, and may run a command then", runWait},
		{"stop", "asks the sidecar beside it to drain and exit", runStop},
		{"completion", "a script that completes commands and flags in bash, zsh or fish", runCompletion},
		{"version", "version, commit and Go version", runVersion},
	}
}

func main() {
	// Until the command is done, further signals change nothing: Kubernetes and users
	// send them again out of impatience. SIGQUIT is the emergency exit.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// dispatch runs the command that args name and returns the process's exit code.
func dispatch(ctx context.Context, args []string, out, errs io.Writer) int {
	switch {
	case len(args) == 0:
		usage(errs)
		return exitUsage
	case args[0] == "help" && len(args) > 1 && isVariable(args[1]):
		return exitCode("help", explain(args[1:], out), errs)
	case args[0] == "help" && len(args) > 1:
		args = append(slices.Clip(args[1:]), "-h")
	case args[0] == "--version":
		args = []string{"version"}
	case args[0] == "help", args[0] == "-h", args[0] == "--help":
		usage(out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return exitCode(c.name, c.run(ctx, args[1:], out, errs), errs)
		}
	}
	names := []string{"help"}
	for _, c := range commands() {
		names = append(names, c.name)
	}
	hint := ""
	if near := spelling.Nearest(args[0], names); len(near) > 0 {
		hint = " did you mean " + strings.Join(near, " or ") + "?"
	}
	fmt.Fprintf(errs, "headway: no command %q;%s headway help lists them\n", args[0], hint)
	return exitUsage
}

// exitCode prints err to the user and returns the exit code for it.
func exitCode(name string, err error, errs io.Writer) int {
	var child exitStatus
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &child):
		return int(child)
	case errors.Is(err, errUsage):
		fmt.Fprintf(errs, "headway %s: %v\n", name, err)
		return exitUsage
	}
	fmt.Fprintf(errs, "headway %s: %v\n", name, err)
	return exitFailed
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "headway times every token of LLM traffic, from beside the application.\n\nUsage: headway COMMAND [flags]\n\nCommands:")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprintln(w, "\nheadway COMMAND -h says more about each, and headway help HEADWAY_UPSTREAM about a variable.")
}

// usageError is an errUsage with the text of the error in it.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == errUsage }
func (e usageError) Unwrap() error        { return e.error }
