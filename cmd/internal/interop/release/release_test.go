//go:build interop

// Package release_test makes a release and publishes nothing.
package release_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropReleaseHasWhatTheDocsList makes a release of the last commit with
// GoReleaser, and verifies it as docs/deployment.md says.
func TestInteropReleaseHasWhatTheDocsList(t *testing.T) {
	if os.Getenv("HEADWAY_TEST_RELEASE") == "" {
		t.Skip("HEADWAY_TEST_RELEASE is not set: the test compiles headway for four platforms")
	}
	tree := filepath.Join(t.TempDir(), "headway")
	run(t, ".", "git", "clone", "--quiet", interop.Path(t, "."), tree)
	err := errors.Join( // git ignores a folder of the name, and no link
		os.Symlink(interop.Path(t, ".tools"), filepath.Join(tree, ".tools")),
		os.WriteFile(filepath.Join(tree, ".git/info/exclude"), []byte("/.tools\n"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	run(t, tree, "git", "remote", "set-url", "origin", "https://github.com/headway-sidecar/headway")
	run(t, tree, interop.Tool(t, "bin/goreleaser"), "check")
	run(t, tree, "make", "release-dry")

	sums := checksums(t, tree)
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"} {
		archive := only(t, tree, "dist/headway_*_"+platform+".tar.gz")
		only(t, tree, "dist/headway_*_"+platform+".cdx.json")
		files := unpack(t, archive)
		for _, name := range []string{"headway", "LICENSE", "README.md", "CHANGELOG.md", "headway.service"} {
			if len(files[name]) == 0 {
				t.Errorf("%s has no %s", archive, name)
			}
		}
		if system, architecture, _ := strings.Cut(platform, "_"); system == "linux" {
			image, err := os.ReadFile(filepath.Join(tree, "bin/image", architecture, "headway"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(image, files["headway"]) {
				t.Errorf("%s: the program of the archive is not that of the image", platform)
			}
		}
	}
	if want := 4 + 4 + 1 + 2 + 1; len(sums) != want { // archives and their lists, the image and its lists, the chart
		t.Errorf("%d sums, want %d: %v", len(sums), want, sums)
	}
	program := filepath.Join(tree, "bin/image", runtime.GOARCH, "headway")
	commit := strings.TrimSpace(run(t, tree, "git", "rev-parse", "HEAD"))
	if said := run(t, ".", program, "version"); !strings.HasPrefix(said, "headway v") || !strings.Contains(said, commit[:12]) {
		t.Errorf("the program of %s calls itself %q", commit, said)
	}
}

// run runs a command in a folder and returns its output.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command(args[0], args[1:]...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// only returns the one file that matches a pattern.
func only(t *testing.T, tree, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tree, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// checksums compares each file that checksums.txt names with its sum.
func checksums(t *testing.T, tree string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tree, "dist/checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		sums[name] = sum
		folder := "dist"
		if strings.HasPrefix(name, "headway-image.") || strings.HasPrefix(name, "headway-injector-image.") || strings.HasPrefix(name, "headway-chart.") {
			folder = "bin"
		}
		content, err := os.ReadFile(filepath.Join(tree, folder, name))
		if err != nil {
			t.Error(err)
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s has another sum than %s", name, sum)
		}
	}
	return sums
}

// unpack returns the files of an archive.
func unpack(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
