package tap_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestInFlight(t *testing.T) {
	const body = `{"model":"m","stream":true}`
	of, _ := newTap()
	want := func(when string, all ...exchange.InFlight) {
		t.Helper()
		if got := of.InFlight(); !slices.Equal(got, all) {
			t.Errorf("%s: %+v, want %+v", when, got, all)
		}
	}
	chatting := func(model string, requests, streams int) exchange.InFlight {
		return exchange.InFlight{Operation: "chat", Model: model, Upstream: "model:8000", Requests: requests, Streams: streams}
	}
	stream := header("Content-Type", "text/event-stream")

	a, b := of.Begin(chat()), of.Begin(chat())
	want("before their models are known", chatting("", 2, 0))
	a.RequestBody([]byte(body))
	a.RequestRead(tap.Now())
	want("when one is", chatting("", 1, 0), chatting("m", 1, 0))
	a.ResponseHead(200, stream, tap.Now())
	want("when it streams", chatting("", 1, 0), chatting("m", 1, 1))
	b.ResponseHead(200, stream, tap.Now())
	want("when the other streams ahead of its request", chatting("", 1, 1), chatting("m", 1, 1))
	b.RequestBody([]byte(body))
	b.RequestRead(tap.Now())
	want("when both are known", chatting("m", 2, 2))
	c := of.Begin(tap.Request{Method: "GET", Path: "/", Header: header(), Read: tap.Now()})
	want("with one that goes nowhere", exchange.InFlight{Requests: 1}, chatting("m", 2, 2))
	for _, x := range []*tap.Exchange{c, b, a} {
		end(x)
		end(x)
	}
	want("at the end", chatting("m", 0, 0))
}

func TestKindsThatAreQuietAreBounded(t *testing.T) {
	of, _ := newTap()
	for i := range 1000 {
		x := of.Begin(chat())
		x.RequestBody(fmt.Appendf(nil, `{"model":"m%d"}`, i))
		x.RequestRead(tap.Now())
		end(x)
	}
	if n := len(of.InFlight()); n == 0 || n > 256 {
		t.Errorf("%d kinds are listed", n)
	}
}
