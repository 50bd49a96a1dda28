// Package build says which build of headway this is.
package build

import (
	"cmp"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/headway-sidecar/headway/exporter"
)

// version is the release, if the linker sets it: -X
// github.com/headway-sidecar/headway/cmd/internal/build.version=v1.2.3
var version string

// Info returns the version, the version of Go, and the commit with its date if the build
// knows them.
func Info() exporter.Build {
	info, _ := debug.ReadBuildInfo()
	return Of(info, version)
}

// unreleased matches the version that the go command gives to a commit without a tag: a
// pseudo-version, which ends with the time of the commit and the first digits of its hash
// (https://go.dev/ref/mod#pseudo-versions).
var unreleased = regexp.MustCompile(`^v.+[.-](\d{14})-([0-9a-f]{12})(\+.*)?$`)

// Of describes the build of a program from the information that the go command puts into
// it, which may be nil, and from the version that the linker set, which may be empty.
// Without the linker's, the version is the module's, which go install knows; a build that
// knows neither is dev.
func Of(info *debug.BuildInfo, linked string) exporter.Build {
	b := exporter.Build{Version: cmp.Or(linked, "dev"), Go: runtime.Version()}
	if info == nil {
		return b
	}
	if linked == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	if found := unreleased.FindStringSubmatch(info.Main.Version); found != nil {
		b.Revision = found[2]
		if at, err := time.Parse("20060102150405", found[1]); err == nil {
			b.Date = at.Format(time.RFC3339)
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}
