// Package build says which build of headway this is.
package build

import (
	"runtime"
	"runtime/debug"

	"github.com/headway-sidecar/headway/exporter"
)

// version is set by the linker in releases: -X github.com/headway-sidecar/headway/cmd/internal/build.version=v1.2.3
var version = "dev"

// Info returns the version, the commit where the build knows it, and the version of Go.
func Info() exporter.Build {
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
