package tap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// passing returns the Record of an exchange at a path that no dialect reads.
func passing(t *testing.T, of *tap.Tap, told *ledger, path string, status int) exchange.Record {
	t.Helper()
	told.records = nil
	x := of.Begin(tap.Request{Method: "GET", Path: path, Upstream: model, Header: header(), Read: tap.Now()})
	x.ResponseHead(status, header("Content-Type", "application/json"), tap.Now())
	chunk(x, `{"error":"nobody reads this"}`)
	end(x)
	return told.only(t)
}

func TestPathClassHasWordsOfAPIsOnly(t *testing.T) {
	of, told := newTap()
	for _, tt := range []struct{ path, want string }{
		{"/", "/"},
		{"*", "/"},
		{"/v1/models", "/v1/models"},
		{"/v1/models/", "/v1/models/"},
		{"/v1/models/gpt-4o", "/v1/models/{}"},
		{"/v1/models/llama", "/v1/models/{}"},
		{"/v1/files/file-abc123XYZ/content", "/v1/files/{}/content"},
		{"/v1/messages/count_tokens", "/v1/messages/count_tokens"},
		{"/v1/messages/batches/msgbatch_01HkcTjaV5uDC8jWR4ZsDV8d/results", "/v1/messages/batches/{}/results"},
		{"/v1/threads/thread_abc123/runs/run_1/steps", "/v1/threads/{}/runs/{}/steps"},
		{"/v1/responses/compact", "/v1/responses/compact"},
		{"/v1beta/models/gemini-2.5-pro:countTokens", "/v1beta/models/{}:countTokens"},
		{"/v1beta/models/gemini-2.5-pro:aB3dE9fG", "/v1beta/models/{}"},
		{"/openai/deployments/prod-east/extensions", "/openai/deployments/{}/extensions"},
		{"/users/alice/settings", "/users/{}/settings"},
		{"/tenant/acme/chat", "/tenant/{}/chat"},
		{"/healthz", "/healthz"},
		{"/api/tags", "/api/tags"},
		{"/8f14e45f-ceea-467f-9d5c-2f1f5a1e6b1a", "/{}"},
		{"/orders/20261130/17", "/orders/{}/{}"},
		{"/token/hunter", "/token/{}"},
		{"/bot12345:AAEhBP0av28/sendMessage", "/{}/{}"},
		{"/sk-proj-abcdefghijklmnop/v1/chat", "/{}/v1/chat"},
		{"/xkcdqwrtz", "/{}"},
		{"/Alice", "/{}"},
		{"/correct-horse-battery-staple", "/{}"},
		{"/averyveryverylongwordindeed", "/{}"},
		{"/caf%C3%A9", "/{}"},
		{"/caf\xc3\xa9", "/{}"},
		{"//v1//models", "//v1//models"},
		{"/a/b/c/d/e/f/g/h/i/j", "/a/{}/{}/{}/e/{}/{}/{}/…"},
		{"/" + strings.Repeat("x/", 500), strings.Repeat("/{}", 8) + "/…"},
	} {
		t.Run(tt.path[:min(len(tt.path), 60)], func(t *testing.T) {
			r := passing(t, of, told, tt.path, 200)
			if r.PathClass != tt.want || !r.Unread || r.Told() != exchange.Delivered {
				t.Errorf("%q, unread %v, %s; want %q", r.PathClass, r.Unread, r.Told(), tt.want)
			}
		})
	}
}

func TestPathClassesAreBounded(t *testing.T) {
	of, told := newTap()
	words := func(i int) string { return "/" + string(rune('a'+i%26)) + "a" + string(rune('a'+i/26)) + "o" }
	classes := func(status int) int {
		found := map[string]bool{}
		for i := range 200 {
			r := passing(t, of, told, fmt.Sprint("/s", status/100, words(i)), status)
			found[r.PathClass] = true
			r = passing(t, of, told, words(i+status), status)
			found[r.PathClass] = true
		}
		return len(found)
	}
	if n := classes(404); n > 33 {
		t.Errorf("%d classes for what was not found, want 32 and _other at most", n)
	}
	if n := classes(200); n > 65 {
		t.Errorf("%d classes, want no more than 64 and _other", n)
	}
	if r := passing(t, of, told, "/brandnewword", 200); r.PathClass != "_other" {
		t.Errorf("%q when no place is left", r.PathClass)
	}
}

func TestOnlyWhatNobodyReadHasAPathClass(t *testing.T) {
	of, told := newTap()
	x := of.Begin(chat())
	x.ResponseHead(200, header("Content-Type", "application/json"), tap.Now())
	chunk(x, `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`)
	end(x)
	if r := told.only(t); r.PathClass != "" || r.Unread || r.Told() != exchange.OK {
		t.Errorf("%q, unread %v, %s for a chat", r.PathClass, r.Unread, r.Told())
	}

	told.records = nil
	x = of.Begin(chat())
	x.ResponseHead(200, header("Content-Type", "text/html"), tap.Now())
	chunk(x, `hello`)
	end(x)
	if r := told.only(t); r.PathClass != "" || r.Unread {
		t.Errorf("%q, unread %v, %s for a page in place of an answer, which is an error", r.PathClass, r.Unread, r.Told())
	}

	told.records = nil
	x = of.Begin(chat())
	x.ResponseHead(200, header("Content-Encoding", "compress"), tap.Now())
	chunk(x, "\x1f\x9d\x90")
	end(x)
	if r := told.only(t); r.PathClass != "" || !r.Unread || r.Told() != exchange.OK {
		t.Errorf("%q, unread %v, %s for a coding that headway does not know", r.PathClass, r.Unread, r.Told())
	}

	told.records = nil
	x = of.Begin(tap.Request{Method: "GET", Path: "/v1/realtime", Upstream: model, Header: header(), Read: tap.Now()})
	x.Upgraded()
	end(x)
	if r := told.only(t); r.PathClass != "" || r.Unread {
		t.Errorf("%q, unread %v for a tunnel, which is no exchange", r.PathClass, r.Unread)
	}
}
