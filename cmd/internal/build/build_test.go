package build_test

import (
	"runtime/debug"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/build"
)

func TestTheVersionComesFromWhoeverKnowsIt(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "c17bc94123456789"}, {Key: "vcs.time", Value: "2026-11-29T23:36:08Z"}}
	for _, tt := range []struct {
		name              string
		info              *debug.BuildInfo
		linked            string
		version, revision string
		date              string
	}{
		{"go install of a release", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "", "v1.2.3", "", ""},
		{"go install of a commit", &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20261129233608-c17bc9412345"}}, "", "v0.0.0-20261129233608-c17bc9412345", "c17bc9412345", "2026-11-29T23:36:08Z"},
		{"go install of a commit after a release", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20261129233608-c17bc9412345"}}, "", "v1.2.4-0.20261129233608-c17bc9412345", "c17bc9412345", "2026-11-29T23:36:08Z"},
		{"go build in a changed checkout", &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20261129233608-c17bc9412345+dirty"}, Settings: commit}, "", "v0.0.0-20261129233608-c17bc9412345+dirty", "c17bc94123456789", "2026-11-29T23:36:08Z"},
		{"go build outside a checkout", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "", "dev", "", ""},
		{"a release by the linker", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: commit}, "v1.2.3", "v1.2.3", "c17bc94123456789", "2026-11-29T23:36:08Z"},
		{"the linker knows better", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3-rc.1"}}, "v1.2.3", "v1.2.3", "", ""},
		{"a pre-release", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3-rc.1"}}, "", "v1.2.3-rc.1", "", ""},
		{"nothing known", nil, "", "dev", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := build.Of(tt.info, tt.linked); got.Version != tt.version || got.Revision != tt.revision || got.Date != tt.date || got.Go == "" {
				t.Errorf("%+v, want %s of %q, %q", got, tt.version, tt.revision, tt.date)
			}
		})
	}
}
