// Package canary words canaries. It makes a probe's request in the API of its dialect,
// with a prompt of known length, reads the answer, and tells whether it is one.
//
// An API is a row of the table in dialects.go. Nothing here sends, waits or keeps text:
// of an answer only the first letters live, until it is judged.
package canary

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Request is the request of one run.
type Request struct {
	Path   string // with the query, behind the path of the probe's URL
	Header http.Header
	Body   []byte // of the Writer, until it words the next request
	Word   string // with which the answer has to begin
}

// Writer words the requests of one probe, one after the other.
type Writer struct {
	probe   *probe.Probe
	dialect *dialect
	shape   *frame.Shape // of the dialect's messages
	prompts prompts
	body    body
}

// NewWriter returns the Writer of p, or an error if no dialect has the name that p gives.
func NewWriter(p *probe.Probe) (*Writer, error) {
	d := find(p.Dialect)
	if d == nil {
		return nil, fmt.Errorf("wording canaries of %s: there is no dialect %q; write openai-chat, say", p.Name, p.Dialect)
	}
	w := &Writer{probe: p, dialect: d, shape: frame.MustShape(d.places)}
	w.prompts.begin(p, d.template)
	return w, nil
}

// Next words the next request. The key may be empty.
func (w *Writer) Next(key string) (Request, error) {
	p := w.probe
	if err := w.render(); err != nil {
		return Request{}, fmt.Errorf("wording a canary of %s: %w", p.Name, err)
	}
	r := Request{Path: w.dialect.path(url.PathEscape(p.Model)), Header: http.Header{"Content-Type": {"application/json"}}, Body: w.body.next(), Word: w.prompts.word}
	if w.dialect.version != "" {
		r.Header.Set("anthropic-version", w.dialect.version)
	}
	if key != "" {
		r.Header.Set(w.dialect.keyField, w.dialect.keyPrefix+key)
	}
	for name, value := range p.Headers {
		r.Header.Set(name, value)
	}
	return r, nil
}

// Operation returns the operation of the requests.
func (w *Writer) Operation() exchange.Operation { return w.dialect.operation }

// Counted tells how many tokens the server counted in the prompt that Next returned last.
// From then on prompts have the length of the probe's shape more closely. Counted returns
// whether that prompt had it: within 1 token, or 1 %.
func (w *Writer) Counted(tokens int64) bool { return w.prompts.counted(int(tokens)) }

// Calibrated tells whether prompts have the length of the shape by the server's own count.
func (w *Writer) Calibrated() bool { return w.prompts.calibrated }

// hostOf returns the host of a URL that has been checked.
func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
