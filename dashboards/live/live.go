// Package live is the page that the admin port shows in a browser: what is under way, the
// latencies, the SLOs, and the last exchanges, each with a waterfall. The page is part of the
// program. It asks nothing but the sidecar that serves it, and everything in it that comes
// from the traffic is text.
//
// The folder uplot has uPlot 1.6.32, which draws the charts, as its authors ship it: see its
// LICENSE.
package live

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed page uplot
var files embed.FS

// policy is the Content-Security-Policy: scripts, styles and data of this origin alone, none
// inside the document, and no way to turn a text into a document.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// The paths of the page's files.
const (
	Prefix = "/live/"
	first  = "page/index.html"
)

// Link is an endpoint that the page names.
type Link struct{ Path, Is string }

// Page serves the document and its files.
type Page struct {
	document file
	files    map[string]file // by path below Prefix
}

// file is what a request gets.
type file struct {
	content []byte
	media   string
	tag     string // ETag
}

// New returns the page of a headway of that version, with links to these endpoints.
func New(version string, links []Link) *Page {
	p := &Page{files: map[string]file{}}
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, _ error) error { // an embed.FS has no errors
		if !d.IsDir() {
			content, _ := files.ReadFile(name)
			p.files[path.Base(name)] = newFile(name, content)
		}
		return nil
	})
	document, _ := files.ReadFile(first)
	delete(p.files, path.Base(first))
	p.document = newFile(first, fill(document, version, links))
	return p
}

func newFile(name string, content []byte) file {
	sum := sha256.Sum256(content)
	return file{content: content, media: media(path.Ext(name)), tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// media is the media type of a file. The tables of the system may have others.
func media(extension string) string {
	switch extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "text/plain; charset=utf-8"
}

// fill puts the version and the endpoints into the document.
func fill(document []byte, version string, links []Link) []byte {
	var list strings.Builder
	for _, l := range links {
		fmt.Fprintf(&list, "<li><a href=\"%s\">%s</a> %s</li>\n", html.EscapeString(l.Path), html.EscapeString(l.Path), html.EscapeString(l.Is))
	}
	document = bytes.Replace(document, []byte("{{version}}"), []byte(html.EscapeString(version)), 1)
	return bytes.Replace(document, []byte("{{endpoints}}"), []byte(list.String()), 1)
}

// ServeHTTP serves the document at /, and its files below Prefix.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, known := p.document, r.URL.Path == "/"
	if name, below := strings.CutPrefix(r.URL.Path, Prefix); below {
		f, known = p.files[name]
	}
	if !known {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.media)
	_, _ = w.Write(f.content) // a client that left needs no answer
}

// Size is the number of bytes of the page and all its files but the licence.
func (p *Page) Size() int {
	n := len(p.document.content)
	for name, f := range p.files {
		if name != "LICENSE" {
			n += len(f.content)
		}
	}
	return n
}
