package exchange_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestHeaderReturnsTheFirstFieldOfAName(t *testing.T) {
	header := exchange.Header(func(yield func(name, value []byte) bool) {
		_ = yield([]byte("Host"), []byte("model")) && yield([]byte("ANTHROPIC-Version"), []byte("2023-06-01")) &&
			yield([]byte("anthropic-version"), []byte("later")) && yield([]byte("Empty"), []byte{})
	})
	for _, tt := range []struct{ name, want string }{
		{"host", "model"}, {"anthropic-version", "2023-06-01"}, {"empty", ""}, {"anthropic-beta", ""}, {"hos", ""},
	} {
		if got := header.Get(tt.name); string(got) != tt.want {
			t.Errorf("%s is %q, want %q", tt.name, got, tt.want)
		}
	}
	if header.Get("empty") == nil || header.Get("anthropic-beta") != nil {
		t.Error("an empty field and a missing one look alike")
	}
	if exchange.Header(nil).Get("host") != nil {
		t.Error("a nil header has a field")
	}
}

func TestEqualFold(t *testing.T) {
	for _, tt := range []struct {
		name, text, lower string
		want              bool
	}{
		{"the same", "x-request-id", "x-request-id", true},
		{"in capitals", "X-REQUEST-ID", "x-request-id", true},
		{"another length", "x-request-i", "x-request-id", false},
		{"another letter", "x-request-ie", "x-request-id", false},
		{"characters that differ by the bit of case", "x\rrequest", "x-request", false},
		{"a letter that folds to ASCII in Unicode only", "to\u212Aen", "token", false},
		{"nothing", "", "", true},
	} {
		if got := exchange.EqualFold([]byte(tt.text), tt.lower); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
