package live_test

import (
	"crypto/sha256"
	"encoding/base64"
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

// TestPageAsksNobodyElse and has no attribute that runs or styles something.
func TestPageAsksNobodyElse(t *testing.T) {
	document := get("/").Body.String()
	for _, foreign := range []string{`src="http`, `href="http`, `src="//`, `href="//`, "url(", "@import", "style=", " onclick=", " onload="} {
		if strings.Contains(document, foreign) {
			t.Errorf("the document has %s", foreign)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/live/[^"]*)"`).FindAllStringSubmatch(document, -1) {
		if w := get(m[1]); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s is %d", m[1], w.Code)
		}
	}
}

// TestPolicyKnowsWhatStandsInsideTheDocument: one script and one style, by their hashes.
func TestPolicyKnowsWhatStandsInsideTheDocument(t *testing.T) {
	w := get("/")
	for _, c := range []struct{ directive, element, has string }{
		{"script-src", "script", "setTheme("},
		{"style-src", "style", ".uplot"},
	} {
		inside := regexp.MustCompile(`(?s)<`+c.element+`[^>]*>([^<]+)</`+c.element+`>`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(inside) != 1 || !strings.Contains(inside[0][1], c.has) {
			t.Fatalf("%d times a %s inside the document, want one with %s", len(inside), c.element, c.has)
		}
		sum := sha256.Sum256([]byte(inside[0][1]))
		want := c.directive + " 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
}

// TestFirstPaintWaitsForTheDocumentAlone: it names no style and no script of another file.
func TestFirstPaintWaitsForTheDocumentAlone(t *testing.T) {
	document := get("/").Body.String()
	if other := regexp.MustCompile(`<link rel="stylesheet"[^>]*>|<script [^>]*>`).FindString(document); other != "" {
		t.Errorf("%s holds up the first paint", other)
	}
}

// TestEveryImportIsServed: the scripts find each other.
func TestEveryImportIsServed(t *testing.T) {
	open, seen := []string{"/live/page.js"}, map[string]bool{}
	for len(open) > 0 {
		name := open[0]
		open = open[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		w := get(name)
		if w.Code != http.StatusOK {
			t.Errorf("%s is %d", name, w.Code)
		}
		for _, m := range regexp.MustCompile(`(?m)^import .* from "\./([^"]+)";$`).FindAllStringSubmatch(w.Body.String(), -1) {
			open = append(open, "/live/"+m[1])
		}
	}
	if !seen["/live/uPlot.js"] || !strings.Contains(get("/").Body.String(), `import("/live/page.js")`) {
		t.Errorf("only %d scripts are reached", len(seen))
	}
}

func TestPolicyHoldsForEveryFile(t *testing.T) {
	for path, media := range map[string]string{
		"/": "text/html", "/live/page.js": "text/javascript", "/live/icon.svg": "image/svg+xml",
		"/live/uPlot.js": "text/javascript", "/live/LICENSE": "text/plain",
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
	for _, path := range []string{"/live/", "/live/index.html", "/live/page.css", "/live/theme.js", "/live/uPlot.iife.min.js", "/live/../live.go", "/live/page/page.js", "/other"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is %d", path, w.Code)
		}
	}
}
