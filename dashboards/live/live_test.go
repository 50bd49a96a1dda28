package live_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/dashboards/live"
)

func page() *live.Page {
	return live.New("v1 <dev>", []live.Link{{Path: "/metrics", Is: "metrics & more"}})
}

func get(path string, fields ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	page().ServeHTTP(w, r)
	return w
}

func TestPageIsSmall(t *testing.T) {
	const most = 150 << 10
	if n := page().Size(); n > most || n < most/3 {
		t.Errorf("the page has %d bytes, want %d at most", n, most)
	}
}

// TestPageAsksNobodyElse and runs nothing that stands inside the document.
func TestPageAsksNobodyElse(t *testing.T) {
	document := get("/").Body.String()
	for _, foreign := range []string{`src="http`, `href="http`, `src="//`, `href="//`, "<style", "style=", " onclick=", " onload="} {
		if strings.Contains(document, foreign) {
			t.Errorf("the document has %s", foreign)
		}
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(document); inline != "" {
		t.Errorf("a script stands inside the document: %s", inline)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/live/[^"]*)"`).FindAllStringSubmatch(document, -1) {
		if w := get(m[1]); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s is %d", m[1], w.Code)
		}
	}
}

func TestPolicyHoldsForEveryFile(t *testing.T) {
	for path, media := range map[string]string{
		"/": "text/html", "/live/page.js": "text/javascript", "/live/page.css": "text/css", "/live/icon.svg": "image/svg+xml",
		"/live/uPlot.iife.min.js": "text/javascript", "/live/LICENSE": "text/plain",
	} {
		h := get(path).Header()
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || !strings.HasPrefix(h.Get("Content-Type"), media) {
			t.Errorf("%s: %s, %s", path, policy, h.Get("Content-Type"))
		}
	}
}

func TestDocumentNamesTheEndpointsAsText(t *testing.T) {
	document := get("/").Body.String()
	for _, want := range []string{"v1 &lt;dev&gt;", `<a href="/metrics">/metrics</a> metrics &amp; more`} {
		if !strings.Contains(document, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestBrowserNeedNotLoadTwice(t *testing.T) {
	tag := get("/live/page.js").Header().Get("ETag")
	if w := get("/live/page.js", "If-None-Match", tag); tag == "" || w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("with its tag %s it is %d", tag, w.Code)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{"/live/", "/live/index.html", "/live/../live.go", "/live/page/page.js", "/other"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is %d", path, w.Code)
		}
	}
}
