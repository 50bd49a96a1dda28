package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/headway-sidecar/headway/exporter"
)

// version is set by the linker in releases.
var version = "dev"

// build tells which program this is.
func build() exporter.Build {
	b := exporter.Build{Version: version, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}

// runVersion is `headway version`.
func runVersion(_ context.Context, args []string, out, errs io.Writer) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args, errs); err != nil {
		return err
	}
	b := build()
	fmt.Fprintf(out, "headway %s (commit %s, %s)\n", b.Version, b.Revision, b.Go)
	return nil
}
