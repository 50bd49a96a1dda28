package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const waitUsage = `usage: headway wait [flags] [-- COMMAND [ARGUMENT…]]

Blocks until the sidecar beside it is ready, then becomes COMMAND if there is one.
With --stop it runs COMMAND, passes signals on to it, asks the sidecar to stop when
COMMAND has ended, and exits as COMMAND did. docs/lifecycle.md has examples.`

// waitOptions are the flags of wait.
type waitOptions struct {
	admin   *adminOptions
	goal    string // ready or startup
	timeout time.Duration
	stop    bool
	command []string
}

// runWait is `headway wait`.
func runWait(ctx context.Context, args []string, out, errs io.Writer) error {
	f := newFlags("wait")
	o := waitOptions{admin: adminFlags(f)}
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait; 0 is for ever")
	f.StringVar(&o.goal, "for", "ready", "`state` to wait for: ready, or startup, which stays true while the sidecar stops")
	f.BoolVar(&o.stop, "stop", false, "ask the sidecar to stop when COMMAND has ended")
	if err := parseFlags(f, args, waitUsage, out); err != nil {
		return err
	}
	o.command = f.Args()
	client, err := o.admin.client(os.Getenv)
	if err := errors.Join(err, o.check()); err != nil {
		return usageError{err}
	}
	err = o.await(ctx, client)
	switch {
	case o.stop:
		if err == nil {
			err = runChild(o.command, out, errs)
		}
		stopAfter(client, errs)
		return err
	case err != nil || len(o.command) == 0:
		return err
	}
	return become(o.command)
}

// check returns the first problem of the options.
func (o *waitOptions) check() error {
	switch {
	case o.goal != "ready" && o.goal != "startup":
		return fmt.Errorf("--for: %q is neither ready nor startup", o.goal)
	case o.timeout < 0:
		return fmt.Errorf("--timeout: %v is negative", o.timeout)
	case o.stop && len(o.command) == 0:
		return errors.New("--stop needs a command to wait for")
	}
	return nil
}

// await blocks until the sidecar reaches o.goal.
func (o *waitOptions) await(ctx context.Context, client *adminClient) error {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	err := client.until(ctx, "/healthz/"+o.goal, func(err error) bool { return err == nil })
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("not %s within %v: %w", o.goal, o.timeout, err)
	}
	return fmt.Errorf("interrupted before the sidecar was %s: %w", o.goal, err)
}

// stopAfter asks the sidecar to stop after the command. If that fails, stopAfter prints
// the error, and the exit code is still the command's.
func stopAfter(client *adminClient, errs io.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := client.stop(ctx); err != nil {
		fmt.Fprintf(errs, "headway wait: asking the sidecar to stop: %v\n", err)
	}
}

// become replaces this process by command. It returns only if that fails.
func become(command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("looking for the command: %w", err)
	}
	if err := syscall.Exec(path, command, os.Environ()); err != nil {
		return fmt.Errorf("becoming %s: %w", path, err)
	}
	return nil
}
