package main

import (
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
