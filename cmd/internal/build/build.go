// Package build says which build of headway this is.
package build

import (
	"runtime"
	"runtime/debug"

	"github.com/headway-sidecar/headway/exporter"
)

// version is the release. The linker sets it: -X
// github.com/headway-sidecar/headway/cmd/internal/build.version=v1.2.3
var version = "dev"

// Info returns the version, the version of Go, and the commit if the build knows it.
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
