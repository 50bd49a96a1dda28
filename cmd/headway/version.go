package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/headway-sidecar/headway/cmd/internal/build"
)

// runVersion is `headway version`.
func runVersion(_ context.Context, args []string, out, _ io.Writer) error {
	if err := parse(newFlags("version"), args, "usage: headway version", out); err != nil {
		return err
	}
	b := build.Info()
	date := ""
	if b.Date != "" {
		date = " of " + b.Date
	}
	fmt.Fprintf(out, "headway %s (commit %s%s, %s)\n", b.Version, cmp.Or(b.Revision, "unknown"), date, b.Go)
	return nil
}
