//go:build interop

// Package image_test builds the images of headway and of its injector, looks into them, and runs headway as the
// image's user in the image's own files, which it cannot write.
package image_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// largest is the most that a node may have to fetch for headway, in bytes.
const largest = 12_000_000

// emulators run the program of each architecture of the image on machines of another one.
var emulators = map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}

// program is one of those that have an image.
type program struct {
	name  string
	files []string // of its image
	cmd   []string // its arguments, unless a container has others
}

func (p program) path() string { return "usr/local/bin/" + p.name }

const certificates = "etc/ssl/certs/ca-certificates.crt"

func TestInteropTheImagesAreSmallReproducibleAndRun(t *testing.T) {
	sidecar := program{"headway", []string{certificates, "usr/local/bin/headway"}, []string{"run"}}
	injector := program{"headway-injector", []string{"usr/local/bin/headway-injector"}, nil}
	made := build(t)
	for _, p := range []program{sidecar, injector} {
		m := read[manifest](t, made[p.name], "index.json")
		for len(m.Manifests) == 1 { // the index leads to the list of architectures
			m = read[manifest](t, made[p.name], m.Manifests[0].file())
		}
		if len(m.Manifests) != len(emulators) {
			t.Errorf("the image is for %d architectures", len(m.Manifests))
		}
		for _, platform := range m.Manifests {
			t.Run(p.name+" "+platform.Platform.Architecture, func(t *testing.T) {
				files := look(t, p, made[p.name], platform)
				compareParts(t, p, platform.Platform.Architecture, files[p.path()])
				if p.name == sidecar.name && platform.Platform.Architecture == runtime.GOARCH {
					run(t, files)
				}
			})
		}
	}
	for name, again := range build(t) {
		if !bytes.Equal(again, made[name]) {
			t.Errorf("the same sources gave another image of %s", name)
		}
	}
}

// look holds one architecture's image to what the docs promise, and returns its files.
func look(t *testing.T, p program, made []byte, platform blob) map[string][]byte {
	t.Helper()
	m := read[manifest](t, made, platform.file())
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
	if names := slices.Sorted(maps.Keys(files)); !slices.Equal(names, p.files) {
		t.Errorf("the image has the files %q, want %q", names, p.files)
	}
	if text, has := files[certificates]; has && !x509.NewCertPool().AppendCertsFromPEM(text) {
		t.Errorf("no certificate among %d bytes", len(text))
	}
	if got := version(t, platform.Platform.Architecture, files[p.path()]); !strings.HasPrefix(got, p.name+" "+released+" (") {
		t.Errorf("the program calls itself %q", got)
	}
	described(t, p, read[image](t, made, m.Config.file()))
	return files
}

// described compares the image's configuration and labels with the commit.
func described(t *testing.T, p program, i image) {
	t.Helper()
	if c := i.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/" + p.path()}) || !slices.Equal(c.Cmd, p.cmd) {
		t.Errorf("the image runs %v %v as %s", c.Entrypoint, c.Cmd, c.User)
	}
	seconds, err := strconv.ParseInt(git(t, "log", "-1", "--format=%ct"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	created := time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	if i.Created != created {
		t.Errorf("the image is of %s, the commit of %s", i.Created, created)
	}
	const label, home = "org.opencontainers.image.", "https://github.com/headway-sidecar/headway"
	want := map[string]string{
		label + "title": p.name, label + "description": i.Config.Labels[label+"description"], label + "licenses": "Apache-2.0",
		label + "url": home, label + "source": home, label + "documentation": home + "/blob/main/docs/deployment.md",
		label + "version": released, label + "revision": git(t, "rev-parse", "HEAD"), label + "created": created,
	}
	if !maps.Equal(i.Config.Labels, want) || want[label+"description"] == "" {
		t.Errorf("labels %q, want %q", i.Config.Labels, want)
	}
}

// git returns what a command of git says of the tree.
func git(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir = interop.Path(t, ".")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// version runs the program of an architecture, in an emulator where that is needed, and
// returns its version.
func version(t *testing.T, architecture string, text []byte) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "headway")
	if err := os.WriteFile(at, text, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	command := []string{at, "--version"}
	if architecture != runtime.GOARCH {
		command = append([]string{emulators[architecture]}, command...)
	}
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v", command, err)
	}
	return string(out)
}

// released is the release that the image is made as.
const released = "v1.2.3"

// build makes the images and returns their archives by program.
func build(t *testing.T) map[string][]byte {
	t.Helper()
	c := exec.Command("make", "image", "VERSION="+released)
	c.Dir = interop.Path(t, ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c, err, out)
	}
	made := map[string][]byte{}
	for _, name := range []string{"headway", "headway-injector"} {
		text, err := os.ReadFile(interop.Path(t, "bin/"+name+"-image.tar"))
		if err != nil {
			t.Fatal(err)
		}
		made[name] = text
	}
	return made
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
