//go:build interop

package image_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// parts is a list of a program's parts, in the fields of CycloneDX that the test reads
// (https://cyclonedx.org/docs/1.6/json/).
type parts struct {
	Format   string `json:"bomFormat"`
	Metadata struct {
		Component  component
		Properties []struct{ Name, Value string }
	}
	Components []component
}

type component struct{ Name, Version, PURL string }

// compareParts holds the list of parts beside the image against the image's program: the
// list must be of this program, and name each module in it.
func compareParts(t *testing.T, p program, architecture string, text []byte) {
	t.Helper()
	listing, err := os.ReadFile(interop.Path(t, "bin/"+p.name+"-image."+architecture+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list parts
	if err := json.Unmarshal(listing, &list); err != nil {
		t.Fatal(err)
	}
	if c := list.Metadata.Component; list.Format != "CycloneDX" || c.Version != released || !strings.Contains(c.PURL, "goarch="+architecture+"&goos=linux") {
		t.Errorf("a list of the format %q, of %+v", list.Format, c)
	}
	sum := sha256.Sum256(text)
	want := struct{ Name, Value string }{"cdx:gomod:binary:hash:SHA-256", hex.EncodeToString(sum[:])}
	if !slices.Contains(list.Metadata.Properties, want) {
		t.Errorf("the list is not of the program with the hash %s", want.Value)
	}
	info, err := buildinfo.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	inside := map[string]string{"std": info.GoVersion}
	for _, m := range info.Deps {
		inside[m.Path] = m.Version
	}
	listed := map[string]string{}
	for _, c := range list.Components {
		listed[c.Name] = c.Version
	}
	if !maps.Equal(listed, inside) {
		t.Errorf("the list has %v, the program %v", listed, inside)
	}
}
