package tap_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// answered returns the record of an exchange with these bodies.
func answered(t *testing.T, of *tap.Tap, to *ledger, head tap.Request, request, response string) exchange.Record {
	t.Helper()
	x := of.Begin(head)
	x.RequestBody([]byte(request))
	x.RequestRead(tap.Now())
	contentType := "application/json"
	if strings.HasPrefix(response, "data:") {
		contentType = "text/event-stream"
	}
	x.ResponseHead(200, header("Content-Type", contentType), tap.Now())
	for part := range strings.SplitAfterSeq(response, "\n\n") {
		chunk(x, part)
	}
	end(x)
	return to.only(t)
}

func TestNamesOfModelsAreUTF8WhateverTheBytesAre(t *testing.T) {
	long := strings.Repeat("x", 255)
	deployment := chat()
	deployment.Path = "/openai/deployments/caf\xe9/chat/completions"
	for _, tt := range []struct {
		name              string
		head              tap.Request
		request, response string
		want              exchange.Model
	}{
		{"valid", chat(), "gpt-é", "gpt-é-1", exchange.Model{Request: "gpt-é", Response: "gpt-é-1"}},
		{"Latin-1", chat(), "caf\xe9", "caf\xe9 1", exchange.Model{Request: "caf\uFFFD", Response: "caf\uFFFD 1"}},
		{"cut within a rune", chat(), long + "é", long + "é", exchange.Model{Request: long + "\uFFFD", Response: long + "\uFFFD"}},
		{"a deployment in the path", deployment, "", "m", exchange.Model{Request: "caf\uFFFD", Response: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, to := newTap()
			r := answered(t, of, to, tt.head, `{"model":"`+tt.request+`"}`, `{"model":"`+tt.response+`","choices":[]}`)
			if r.Model != tt.want {
				t.Errorf("%+q, want %+q", r.Model, tt.want)
			}
		})
	}
}

func TestTextsOfDecodersAreUTF8(t *testing.T) {
	const odd, want = "a\xff\xfeb", "a\uFFFDb"
	s := &script{ask: func() dialect.Ask { return dialect.Ask{Dialect: odd, Operation: odd, Provider: odd, Model: odd} }}
	s.close = func() dialect.Reply {
		return dialect.Reply{Ask: s.ask(), Model: odd, FinishReasons: []string{"stop", odd}, Complete: true}
	}
	of, to := newTap(s)
	x := of.Begin(chat())
	for _, f := range of.InFlight() {
		if !utf8.ValidString(f.Model) || !utf8.ValidString(string(f.Operation)) {
			t.Errorf("in flight: %+q, %+q", f.Model, f.Operation)
		}
	}
	end(x)
	r := to.only(t)
	for _, got := range []string{r.Dialect, string(r.Operation), r.Provider, r.Model.Request, r.Model.Response, r.FinishReasons[1]} {
		if got != want {
			t.Errorf("%+q, want %+q", got, want)
		}
	}
}

func TestMoreTokensThanTheirContentCanHoldAreNotBelieved(t *testing.T) {
	const note = "tokens_over_content"
	for _, tt := range []struct {
		reported int64
		streamed exchange.Count
		odd      bool
	}{
		{3, exchange.Known(3), false},
		{15 + 64, exchange.Known(15 + 64), false}, // with the tokens that frame a tool call
		{15 + 65, exchange.Count{}, true},
		{1<<53 - 1, exchange.Count{}, true},
	} {
		t.Run(strconv.FormatInt(tt.reported, 10), func(t *testing.T) {
			of, to := newTap()
			const delta = `data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}` + "\n\n"
			response := strings.Repeat(delta, 3) +
				fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", tt.reported)
			r := answered(t, of, to, chat(), `{"stream":true,"stream_options":{"include_usage":true}}`, response)
			if r.Usage.Streamed != tt.streamed || r.Usage.Output != exchange.Known(tt.reported) || r.Usage.Source != exchange.Reported {
				t.Errorf("usage %+v", r.Usage)
			}
			if slices.Contains(r.Notes, note) != tt.odd {
				t.Errorf("notes %v", r.Notes)
			}
			if tt.odd && r.TPOT() != 0 {
				t.Errorf("a TPOT of %v by tokens that cannot be", r.TPOT())
			}
			for gap := range r.Chunks.Gaps(r.Usage.Streamed) {
				if tt.odd && gap.Tokens != 1 {
					t.Errorf("%d tokens in a chunk of 5 bytes", gap.Tokens)
				}
			}
		})
	}
}
