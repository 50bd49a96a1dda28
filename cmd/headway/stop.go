package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const stopUsage = `usage: headway stop [flags]

Asks the sidecar beside it to drain and exit, as SIGTERM does. Asking again changes
nothing.`

// runStop is `headway stop`.
func runStop(ctx context.Context, args []string, out, _ io.Writer) error {
	f := newFlags("stop")
	admin := adminFlags(f)
	wait := f.Bool("wait", false, "return only when the sidecar is gone")
	timeout := f.Duration("timeout", 0, "how long --wait waits; 0 is for ever")
	if err := parse(f, args, stopUsage, out); err != nil {
		return err
	}
	client, err := admin.client(os.Getenv)
	switch {
	case err != nil:
		return usageError{err}
	case *timeout < 0:
		return usageError{fmt.Errorf("--timeout: %v is negative", *timeout)}
	}
	if err := client.stop(ctx); err != nil {
		return fmt.Errorf("asking the sidecar to stop: %w", err)
	}
	if !*wait {
		return nil
	}
	return awaitEnd(ctx, client, *timeout)
}

// awaitEnd blocks until nothing answers at the address of the sidecar.
func awaitEnd(ctx context.Context, client *adminClient, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	gone := func(err error) bool {
		var answer *answerError
		var failed net.Error
		switch {
		case err == nil, ctx.Err() != nil, errors.As(err, &answer):
			return false
		}
		return !errors.As(err, &failed) || !failed.Timeout()
	}
	if err := client.until(ctx, "/healthz/live", gone); err != nil {
		return fmt.Errorf("the sidecar is still there: %w", err)
	}
	return nil
}
