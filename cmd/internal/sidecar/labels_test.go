package sidecar

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// TestTenantsAreToldApart, by odd fields too, over real connections. No secret is in anything that
// headway tells.
func TestTenantsAreToldApart(t *testing.T) {
	upstream := countedUpstream(t)
	directory := t.TempDir()
	key, lines := filepath.Join(directory, "label.key"), filepath.Join(directory, "capture.jsonl")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_CAPTURE_FILE="+lines, "HEADWAY_DRAIN_DELAY=0",
		"HEADWAY_LABELS=tenant=header:X-Tenant,key=hash:Authorization", "HEADWAY_LABEL_KEY_FILE="+key, "HEADWAY_MAX_TENANTS=3", "HEADWAY_LIMIT_HEADERS=e2e=X-Deadline-Ms")
	ask := asking(t, l.listen)
	const secret = "Bearer sk-very-secret"
	hash := "c45850265450" // printf %s sk-very-secret | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
	ask(200, "X-Tenant", "acme", "Authorization", secret, "X-Deadline-Ms", "60000", "x-llm-d-slo-ttft-ms", "soon")
	ask(200, "X-Tenant", "acme", "X-Tenant", "evil", "Authorization", secret, "X-Deadline-Ms", "0.001")
	ask(200, "X-Tenant", strings.Repeat("x", 200<<10))
	ask(0, "X-Tenant", strings.Repeat("y", 1<<20))
	ask(200, "X-Tenant", "a\tb\xff")
	ask(200, "X-Tenant", "one too many")
	ask(200)
	requests := func(tenant string) string {
		return `headway_requests_total{error_type="",key="` + tenant + `",model="m",operation="chat",outcome="ok",stream="true",`
	}
	for tenant, n := range map[string]int{hash + "|acme": 2, "|" + strings.Repeat("x", 128): 1, "|a\uFFFDb\uFFFD": 1, "_other|_other": 1, "|": 1} {
		key, name, _ := strings.Cut(tenant, "|")
		series := requests(key) + `tenant="` + name + `",upstream="` + strings.TrimPrefix(upstream.URL, "http://") + fmt.Sprintf(`"} %d`, n)
		interop.Until(t, series, func() bool { return strings.Contains(l.metrics(t), series+"\n") })
	}
	told := l.metrics(t)
	for _, want := range []string{`headway_limited_requests_total{key="` + hash + `",model="m",operation="chat",tenant="acme",`, `indicator="e2e",model="m",operation="chat",upstream="` + strings.TrimPrefix(upstream.URL, "http://") + `",verdict="kept"} 1`, `verdict="missed"} 1`} {
		if !strings.Contains(told, want) {
			t.Errorf("no %s", want)
		}
	}
	l.stop()
	l.end(t)

	file, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	if whole := told + string(file); strings.Contains(whole, "sk-very") || strings.Contains(whole, "kkkk") {
		t.Error("a secret is in /metrics or in the capture")
	}
	checkLabelled(t, string(file), hash)
}

// checkLabelled fails the test unless the first line has its labels, its limit, and a note of the
// limit that is none.
func checkLabelled(t *testing.T, lines, hash string) {
	t.Helper()
	for line, err := range capture.Read(strings.NewReader(lines)) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Labels["tenant"] != "acme" || line.Labels["key"] != hash || line.Limits["e2e"] != (capture.RequestLimit{Limit: 60, Verdict: "kept"}) {
			t.Errorf("labels %v, limits %v", line.Labels, line.Limits)
		}
		if !slices.Contains(line.Notes, "request_limit_malformed") {
			t.Errorf("notes %q", line.Notes)
		}
		return
	}
	t.Error("the capture is empty")
}

// asking returns a function that sends a request with these fields, and holds its status to
// want; 0 is any, or none.
func asking(t *testing.T, to string) func(want int, fields ...string) {
	t.Helper()
	return func(want int, fields ...string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+to+"/v1/chat/completions", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			r.Header.Add(fields[i], fields[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			if want != 0 {
				t.Fatal(err)
			}
			return // headway has answered and closed while the client still wrote
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if want != 0 && response.StatusCode != want {
			t.Errorf("%q: status %d", fields, response.StatusCode)
		}
	}
}
