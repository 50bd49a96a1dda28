//go:build interop

// Package image_test builds the image of headway, looks into it, and runs headway as the
// image's user in the image's own files, which it cannot write.
package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// largest is the most that a node may have to fetch for headway, in bytes.
const largest = 12_000_000

func TestInteropTheImageIsSmallReproducibleAndRuns(t *testing.T) {
	made := build(t)
	before := sha256.Sum256(made)
	m := read[manifest](t, made, "index.json")
	for len(m.Manifests) > 0 { // the index leads to the list of architectures, and that to the image
		m = read[manifest](t, made, m.Manifests[0].file())
	}
	var size int64
	files := map[string][]byte{}
	for _, layer := range m.Layers {
		size += layer.Size
		unpack(t, entry(t, made, layer.file()), files)
	}
	t.Logf("%d bytes compressed", size)
	if size > largest {
		t.Errorf("%d bytes compressed, at most %d", size, largest)
	}
	if c := read[image](t, made, m.Config.file()).Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/headway"}) || !slices.Equal(c.Cmd, []string{"run"}) {
		t.Errorf("the image runs %v %v as %s", c.Entrypoint, c.Cmd, c.User)
	}
	const certificates = "etc/ssl/certs/ca-certificates.crt"
	if len(files) != 2 || !x509.NewCertPool().AppendCertsFromPEM(files[certificates]) {
		t.Errorf("%d files, and %d bytes of certificates", len(files), len(files[certificates]))
	}
	if sha256.Sum256(build(t)) != before {
		t.Error("the same sources gave another image")
	}
	run(t, files)
}

// build makes the image for this machine and returns its archive.
func build(t *testing.T) []byte {
	t.Helper()
	for _, command := range [][]string{{"make", "bin/image/" + runtime.GOARCH + "/headway"}, {"deploy/image", runtime.GOARCH}} {
		c := exec.Command(command[0], command[1:]...)
		c.Dir = interop.Path(t, ".")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	text, err := os.ReadFile(interop.Path(t, "bin/headway-image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// run starts the image's program in the image's files, read-only, as the image's user.
func run(t *testing.T, files map[string][]byte) {
	t.Helper()
	root, err := os.MkdirTemp("", "headway-image-") // the user of the image cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, text, 0o755)); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil { //nolint:gosec // other users enter it
		t.Fatal(err)
	}
	listen, admin := interop.FreeAddress(t), interop.FreeAddress(t)
	const inside = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec setpriv --no-new-privs chroot --userspec=65532:65532 "$0" /usr/local/bin/headway run`
	began := time.Now()
	headway := interop.Start(t, []string{"HEADWAY_UPSTREAM=https://127.0.0.1:9", "HEADWAY_LISTEN=" + listen, "HEADWAY_ADMIN_LISTEN=" + admin}, "unshare", "--mount", "sh", "-c", inside, root)
	interop.Until(t, "headway is ready", func() bool { return interop.Status("http://"+admin+"/healthz/startup") == 200 })
	t.Logf("ready %v after its start, the shell's part included", time.Since(began).Round(time.Millisecond))
	headway.Stop(t)
}

// The parts of an OCI image that the test reads (OCI Image Format, v1.1).
type manifest struct {
	Manifests []blob
	Config    blob
	Layers    []blob
}

type blob struct {
	Digest string
	Size   int64
}

type image struct {
	Config struct {
		User            string
		Entrypoint, Cmd []string
	}
}

// file is the name of the blob in the archive.
func (b blob) file() string { return "blobs/sha256/" + b.Digest[len("sha256:"):] }

// read decodes a file of the archive.
func read[T any](t *testing.T, archive []byte, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal(entry(t, archive, name), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// entry returns a file of the archive.
func entry(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if filepath.Clean(h.Name) == name {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
}

// unpack adds the files of a layer, and fails the test for a device, a link or a file
// that gives its user other rights.
func unpack(t *testing.T, layer []byte, files map[string][]byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Typeflag != tar.TypeReg || h.Mode&0o7022 != 0 {
			t.Errorf("%s has the type %q and the mode %o", h.Name, h.Typeflag, h.Mode)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
