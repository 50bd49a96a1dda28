package main

import (
	"strings"
	"testing"
)

// The programs in the archives of a release and in its image are the same bytes if both
// are built by the same flags.
func TestAReleaseIsBuiltAsTheImageIs(t *testing.T) {
	release, makefile := read(t, ".goreleaser.yaml"), read(t, "Makefile")
	flags := matches(`(?m)^BUILD := (.*)$`, makefile)[0]
	tags := matches(`-tags (\S+)`, flags)[0]
	linker := matches(`-ldflags '(.*)\$\(VERSION\)'`, flags)[0]
	for _, want := range []string{
		"main: ./cmd/headway\n", "env: [CGO_ENABLED=0]\n", "flags: [-trimpath, -buildvcs=true]\n", "tags: [" + tags + "]\n",
		`ldflags: ["` + linker + `v{{ .Version }}"]` + "\n", "make image VERSION=v{{ .Version }}\n", "make chart VERSION=v{{ .Version }}\n", "goarch: [amd64, arm64]\n",
	} {
		if !strings.Contains(release, want) {
			t.Errorf(".goreleaser.yaml lacks %q", want)
		}
	}
	list := matches(`\$\(CYCLONEDX\) (bin .*) -version`, makefile)[0]
	if args := "args: [" + strings.ReplaceAll(list, " ", ", ") + ", -version, "; !strings.Contains(release, args) {
		t.Errorf("the lists of parts are not made by %q", args)
	}
}
