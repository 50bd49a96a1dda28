package main

import (
	"cmp"
	"context"
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
func runVersion(_ context.Context, args []string, out, _ io.Writer) error {
	if err := parse(newFlags("version"), args, "usage: headway version", out); err != nil {
		return err
	}
	b := build()
	fmt.Fprintf(out, "headway %s (commit %s, %s)\n", b.Version, cmp.Or(b.Revision, "unknown"), b.Go)
	return nil
}
