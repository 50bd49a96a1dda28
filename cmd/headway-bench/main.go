// Command headway-bench compares the cost of headway with the cost of other proxies. It sends the same
// load through nothing, nginx, HAProxy and headway in turns, on one machine: the proxy has a core to
// itself, the model server and the load generator share another. docs/performance.md has the method.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// The program starts itself again in these roles, because the kernel counts CPU time by process.
const (
	roleUpstream = "_upstream"
	roleLoad     = "_load"
	roleBusy     = "_busy"     // competes with the proxy for its core
	rolePinned   = "_pinned"   // becomes another command, on a core of its own
	roleIsolated = "_isolated" // the benchmark itself, in a network namespace of its own
)

func main() {
	// The kernel ends a child when the thread that started it ends, and the main thread lives as long
	// as the process.
	runtime.LockOSThread()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	if len(args) > 0 {
		roles := map[string]func([]string) error{
			roleUpstream: serveUpstream,
			roleLoad:     func([]string) error { return generateLoad() },
			roleBusy:     keepBusy,
			rolePinned:   execPinned,
		}
		if role := roles[args[0]]; role != nil {
			if err := role(args[1:]); err != nil {
				fmt.Fprintf(os.Stderr, "headway-bench %s: %v\n", args[0], err)
				return 1
			}
			return 0
		}
	}
	return runCommand(args)
}

// runCommand is the benchmark. It returns the exit code: 2 for wrong usage, 1 for any other failure.
func runCommand(args []string) int {
	isolated := len(args) > 0 && args[0] == roleIsolated
	if isolated {
		args = args[1:]
	}
	o, err := parseOptions(args, os.Stderr)
	var targets []target
	var notes []string
	if err == nil {
		targets, notes, err = findTargets(o, prepareNetwork(o, args, isolated))
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "headway-bench:", err)
		return 2
	}
	if note := o.fitOpening(); note != "" {
		notes = append(notes, note)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := runBench(ctx, o, targets, notes)
	if err != nil && report != nil {
		report.note("incomplete: " + err.Error())
	}
	if report != nil {
		err = errors.Join(err, report.write(os.Stdout, o.output))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "headway-bench:", err)
		return 1
	}
	return 0
}

// prepareNetwork makes redirected connections possible when o wants a target that needs them. Its error
// says why they are not possible.
func prepareNetwork(o options, args []string, isolated bool) error {
	switch {
	case isolated:
		return raiseLoopback()
	case o.wants("headway-transparent"), o.wants("headway-tracked"):
		return isolate(args)
	}
	return nil
}
