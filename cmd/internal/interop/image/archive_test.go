//go:build interop

package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"testing"
)

// The parts of an OCI image that the test reads (OCI Image Format, v1.1).
type manifest struct {
	Manifests []blob
	Config    blob
	Layers    []blob
}

type blob struct {
	Digest   string
	Size     int64
	Platform struct{ Architecture string }
}

type image struct {
	Created string
	Config  struct {
		User            string
		Entrypoint, Cmd []string
		Labels          map[string]string
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
