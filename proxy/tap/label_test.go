package tap_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/dialect/responses"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const labelKey = "0123456789abcdef0123456789abcdef"

// labelled returns a tap with the labels tenant, team and key.
func labelled() (*tap.Tap, *ledger) {
	l := new(ledger)
	return tap.New(tap.Config{Observer: l, LabelKey: []byte(labelKey), Labels: []tap.Label{
		{Name: "tenant", Field: "x-tenant"}, {Name: "team", Field: "x-team"}, {Name: "key", Field: "authorization", Hash: true},
	}}), l
}

// labelsOf returns the labels of an exchange whose request has these fields.
func labelsOf(t *testing.T, fields ...string) []string {
	t.Helper()
	measured, l := labelled()
	measured.Begin(chat(fields...)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	return l.only(t).Labels
}

// hashed is the label of a secret: 12 hex digits of HMAC-SHA-256.
func hashed(secret string) string {
	mac := hmac.New(sha256.New, []byte(labelKey))
	_, _ = mac.Write([]byte(secret))
	return hex.EncodeToString(mac.Sum(nil))[:12]
}

func TestRequestsGiveTheirExchangesLabels(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, tt := range []struct {
		name   string
		fields []string
		want   []string
	}{
		{"none of the fields", []string{"Content-Type", "application/json"}, []string{"", "", ""}},
		{"one", []string{"X-Tenant", "acme"}, []string{"acme", "", ""}},
		{"both, in another order and case", []string{"x-TEAM", "search", "Accept", "*/*", "X-TENANT", "acme"}, []string{"acme", "search", ""}},
		{"an empty one", []string{"X-Tenant", ""}, []string{"", "", ""}},
		{"blanks around it", []string{"X-Tenant", " \tacme  "}, []string{"acme", "", ""}},
		{"the first of several", []string{"X-Tenant", "acme", "X-Tenant", "evil"}, []string{"acme", "", ""}},
		{"the first of several, though it is empty", []string{"X-Tenant", "", "X-Tenant", "evil"}, []string{"", "", ""}},
		{"control characters", []string{"X-Tenant", "a\x00b\x1b[31m\u0085c"}, []string{"a\uFFFDb\uFFFD[31m\uFFFDc", "", ""}},
		{"no UTF-8", []string{"X-Tenant", "a\xff\xfeb"}, []string{"a\uFFFD\uFFFDb", "", ""}},
		{"longer than a label, cut between runes", []string{"X-Tenant", "x" + long}, []string{"x" + long[:126], "", ""}},
		{"a megabyte", []string{"X-Tenant", strings.Repeat("y", 1<<20)}, []string{strings.Repeat("y", 128), "", ""}},
		{"a token", []string{"Authorization", "Bearer sk-1"}, []string{"", "", hashed("sk-1")}},
		{"a token with the scheme in lower case", []string{"Authorization", "bearer  sk-1"}, []string{"", "", hashed("sk-1")}},
		{"a secret without a scheme", []string{"Authorization", "sk-1"}, []string{"", "", hashed("sk-1")}},
		{"another scheme", []string{"Authorization", "Basic dTpw"}, []string{"", "", hashed("Basic dTpw")}},
		{"an AWS signature", []string{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIA1/20261130/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=aa"}, []string{"", "", hashed("AKIA1")}},
		{"that signature on another day", []string{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIA1/20261201/eu-west-1/bedrock/aws4_request, SignedHeaders=host, Signature=bb"}, []string{"", "", hashed("AKIA1")}},
		{"an AWS signature without a scope", []string{"Authorization", "AWS4-HMAC-SHA256 x"}, []string{"", "", hashed("AWS4-HMAC-SHA256 x")}},
		{"no secret", []string{"Authorization", " "}, []string{"", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := labelsOf(t, tt.fields...)
			if !slices.Equal(got, tt.want) {
				t.Errorf("labels %q, want %q", got, tt.want)
			}
			for _, label := range got {
				if len(label) > exchange.MaxLabelBytes || !utf8.ValidString(label) {
					t.Errorf("%q cannot be a label", label)
				}
			}
		})
	}
}

func TestTheLabelOfASecretHoldsNothingOfIt(t *testing.T) {
	if got := labelsOf(t, "Authorization", "Bearer sk-secret")[2]; len(got) != 12 || strings.Contains(got, "sk-") {
		t.Errorf("the label is %q", got)
	}
	l := new(ledger)
	other := tap.New(tap.Config{Observer: l, LabelKey: []byte("another key"), Labels: []tap.Label{{Name: "key", Field: "authorization", Hash: true}}})
	other.Begin(chat("Authorization", "Bearer sk-secret")).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	if got := l.only(t).Labels[0]; got == hashed("sk-secret") {
		t.Errorf("another key gives the same label %q: anybody could try out secrets", got)
	}
}

// An exchange of a session is of the tenant that opened the session, and has its limits.
func TestExchangesOfASessionHaveTheLabelsOfItsRequest(t *testing.T) {
	l := new(ledger)
	of := tap.New(tap.Config{
		Dialects: responses.Dialects(), Observer: l, LabelKey: []byte(labelKey), Limits: []tap.LimitField{{Field: "x-ttft", Indicator: exchange.TTFT}},
		Labels: []tap.Label{{Name: "key", Field: "authorization", Hash: true}},
	})
	x := of.Begin(tap.Request{Method: "GET", Path: "/v1/responses", Upstream: model, Read: tap.Now(), Header: header("Upgrade", "websocket", "Authorization", "Bearer k", "X-TTFT", "50")})
	x.RequestRead(tap.Now())
	x.ResponseHead(101, header("Upgrade", "websocket", "Sec-WebSocket-Accept", "x"), tap.Now())
	x.Upgraded()
	for _, p := range (&speaker{masks: true}).say(ask) {
		x.Sending()
		x.Sent(p, tap.Now(), tap.Now())
	}
	for _, line := range []string{opened("r1"), delta("Hi"), completed("r1", 1)} {
		for _, p := range new(speaker).say(line) {
			x.Chunk([][]byte{p}, tap.Now(), tap.Now())
		}
	}
	x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	of.Wait()
	if len(l.records) != 2 {
		t.Fatalf("%d exchanges", len(l.records))
	}
	r := l.records[0]
	if want := []exchange.RequestLimit{{Indicator: exchange.TTFT, Limit: 50 * time.Millisecond}}; !slices.Equal(r.Labels, []string{hashed("k")}) || !slices.Equal(r.Limits, want) || r.Operation != exchange.Chat {
		t.Errorf("labels %q and limits %+v of a %s", r.Labels, r.Limits, r.Operation)
	}
}

func TestWithoutConfiguredLabelsARecordHasNone(t *testing.T) {
	measured, l := newTap()
	measured.Begin(chat("X-Tenant", "acme")).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	if got := l.only(t).Labels; got != nil {
		t.Errorf("labels %q", got)
	}
}

// The tap forgets values, and never mistakes one tenant for another.
func TestExchangesShareTheValuesOfTheirLabels(t *testing.T) {
	measured, l := labelled()
	for i := range 3000 {
		tenant := fmt.Sprint("t", i%1500)
		measured.Begin(chat("X-Tenant", tenant)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
		if got := l.records[i].Labels[0]; got != tenant {
			t.Fatalf("exchange %d is of %q, want %q", i, got, tenant)
		}
	}
	measured.Begin(chat("X-Tenant", "t1499")).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	if last := l.records[3000].Labels; &last[0] != &l.records[2999].Labels[0] {
		t.Error("two exchanges of one tenant do not share their values")
	}
}

func BenchmarkBeginWithLabels(b *testing.B) {
	fields := []string{"Host", "h", "Content-Type", "application/json", "Accept", "*/*", "User-Agent", "OpenAI/Python", "X-Tenant", "acme", "X-Team", "search", "Authorization", "Bearer sk-1"}
	labels := []tap.Label{{Name: "tenant", Field: "x-tenant"}, {Name: "team", Field: "x-team"}, {Name: "key", Field: "authorization", Hash: true}}
	for _, bb := range []struct {
		name string
		of   []tap.Label
	}{{"none", nil}, {"two headers", labels[:2]}, {"two headers and a hash", labels}} {
		b.Run(bb.name, func(b *testing.B) {
			of := tap.New(tap.Config{Observer: exchange.Fanout{}, LabelKey: []byte(labelKey), Labels: bb.of, Limits: tap.KnownLimits()})
			b.ReportAllocs()
			for b.Loop() {
				of.Begin(chat(fields...)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
			}
		})
	}
}
