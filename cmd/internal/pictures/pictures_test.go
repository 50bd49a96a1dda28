package pictures_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/pictures"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const folder = "../../../docs/pictures"

func draw(t *testing.T) []pictures.Picture {
	t.Helper()
	page, err := os.ReadFile("../../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pictures.All(string(page))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPicturesInTheDocsAreTheDrawnOnes(t *testing.T) {
	drawn := map[string]bool{}
	for _, p := range draw(t) {
		drawn[p.Name+".svg"] = true
		golden.Check(t, filepath.Join(folder, p.Name+".svg"), p.SVG)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) == ".svg" && !drawn[file.Name()] { // the others show screens
			t.Errorf("nobody draws %s", file.Name())
		}
	}
}

func TestEveryPictureIsShownSomewhere(t *testing.T) {
	pages, _ := filepath.Glob("../../../docs/*.md")
	var shown strings.Builder
	for _, page := range append(pages, "../../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	for _, p := range draw(t) {
		if !strings.Contains(shown.String(), "pictures/"+p.Name+".svg)") {
			t.Errorf("no page shows %s", p.Name)
		}
	}
}

func TestPicturesAreXMLWithWordsAndBothSchemes(t *testing.T) {
	for _, p := range draw(t) {
		for d := xml.NewDecoder(strings.NewReader(p.SVG)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", p.Name, err)
				break
			}
		}
		for _, want := range []string{"<title>", "<desc>", "<text ", "prefers-color-scheme: dark"} {
			if !strings.Contains(p.SVG, want) {
				t.Errorf("%s has no %s", p.Name, want)
			}
		}
	}
}

func TestTheBarsAreThoseOfTheTable(t *testing.T) {
	const page = "<!-- table -->\n|  | nginx | haproxy | headway | headway-transparent | limit |\n| --- |\n" +
		"| CPU per event, µs | 10 | 11 (1.10 ×) | 12 (1.20 ×) | – | ≤ 1.3 |\n" +
		"| CPU per plain request, µs | 20 | 20 | 50 (2.50 ×) | 60 |  |\n" +
		"| event lateness p50, µs | 4 | 4 | 2 (0.50 ×) | 3 |  |\n"
	all, err := pictures.All(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Name == "bars" && (!strings.Contains(p.SVG, ">12  (1.20 × nginx)<") || strings.Contains(p.SVG, ">-1")) {
			t.Error(p.SVG)
		}
	}
	if _, err := pictures.All(strings.Replace(page, "event lateness", "lateness", 1)); err == nil {
		t.Error("a missing row is no error")
	}
}
