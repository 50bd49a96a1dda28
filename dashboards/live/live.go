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
	"encoding/base64"
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

// policy is the Content-Security-Policy, without two hashes: scripts, styles and data of this
// origin alone, inside the document one script and one style of that hash (CSP Level 3, section
// 2.3.1), and no way to turn a text into a document.
const policy = "default-src 'none'; script-src 'self' %s; style-src 'self' %s; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// The paths of the page's files.
const (
	Prefix = "/live/"
	first  = "page/index.html"
)

// Link is an endpoint that the page names.
type Link struct{ Path, Is string }

// The files that stand inside the document, so that a browser paints when it has the document,
// and waits for no other file.
var (
	styles  = []string{"page/page.css", "uplot/uPlot.min.css"}
	scripts = []string{"page/theme.js", "page/start.js"}
)

// library is uPlot as its authors ship it: a script that sets a variable. The page's own
// scripts import it as a module.
const library = "uplot/uPlot.iife.min.js"

// Page serves the document and its files.
type Page struct {
	document file
	files    map[string]file // by path below Prefix
	policy   string
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
			p.files[path.Base(name)] = newFile(name, read(name))
		}
		return nil
	})
	delete(p.files, path.Base(library))
	p.files["uPlot.js"] = newFile(library, append(read(library), "\nexport default uPlot;\n"...))
	delete(p.files, path.Base(first))
	style, script := p.take(styles), p.take(scripts)
	document := fill(read(first), version, links)
	document = bytes.Replace(document, []byte("{{style}}"), style, 1)
	document = bytes.Replace(document, []byte("{{script}}"), script, 1)
	p.document = newFile(first, document)
	p.policy = fmt.Sprintf(policy, hash(script), hash(style))
	return p
}

// take returns the content of files that stand inside the document, and serves them no more.
func (p *Page) take(names []string) (content []byte) {
	for _, name := range names {
		content = append(content, p.files[path.Base(name)].content...)
		delete(p.files, path.Base(name))
	}
	return content
}

// read returns the content of one of the embedded files.
func read(name string) []byte {
	content, _ := files.ReadFile(name) // the folder is part of the program
	return content
}

// hash names a script or a style inside the document in the policy.
func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
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
	h.Set("Content-Security-Policy", p.policy)
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
