package exporter_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestNamesLetTheFirstAnsweredNamesThrough(t *testing.T) {
	m := exporter.NewNames(2, 64)
	for _, tt := range []struct{ name, want string }{
		{"a", "a"}, {"", ""}, {"b", "b"}, {"c", exporter.Other}, {"a", "a"}, {"", ""}, {"d", exporter.Other}, {"b", "b"},
	} {
		if got := m.ClaimModel(tt.name); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNamesMakesNamesFitForLabels(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no UTF-8", "gpt\xff\xfe-4", "gpt\uFFFD-4"},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 128)},
		{"cut at a rune", strings.Repeat("x", 127) + "ü", strings.Repeat("x", 127)},
		{"long without any rune's start", strings.Repeat("\x80", 300), "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := exporter.NewNames(1, 64)
			first, again := m.ClaimModel(tt.in), m.Model(tt.in)
			if first != tt.want || again != tt.want || !utf8.ValidString(first) {
				t.Errorf("%q, then %q, want %q", first, again, tt.want)
			}
		})
	}
}

func TestNamesStayBoundedWhenManyAskAtOnce(t *testing.T) {
	m := exporter.NewNames(8, 64)
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				label := m.ClaimModel(fmt.Sprintf("model-%d", (i*13+j)%100))
				mu.Lock()
				seen[label] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 9 || !seen[exporter.Other] {
		t.Errorf("%d labels, want 8 and %s: %v", len(seen), exporter.Other, seen)
	}
}

func TestNamesAllocatesNothingForKnownNames(t *testing.T) {
	m := exporter.NewNames(1, 64)
	m.ClaimModel("a")
	if n := testing.AllocsPerRun(100, func() { m.ClaimModel("a"); m.ClaimModel("b"); m.Model("b") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamesBoundUpstreamsToo(t *testing.T) {
	n := exporter.NewNames(1, 2)
	for _, tt := range []struct{ host, want string }{{"a", "a"}, {"b", "b"}, {"c", exporter.Other}, {"a", "a"}, {"", ""}} {
		got := n.ClaimUpstream(exchange.Upstream{Host: tt.host, Port: 443})
		if got.Host != tt.want || (got.Host == exporter.Other) != (got.Port == 0) {
			t.Errorf("%s becomes %+v, want %s", tt.host, got, tt.want)
		}
	}
	if n.ClaimModel("a") != "a" {
		t.Error("upstreams have used up the room for models")
	}
}

func TestOnlyAnsweredExchangesClaimNames(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   exchange.Record
		want bool
	}{
		{"answered whole", streamed(), true},
		{"cut in the middle", with(func(r *exchange.Record) { r.Outcome = exchange.UpstreamCut }), true},
		{"no such model", empty(func(r *exchange.Record) { r.Status, r.Outcome = 404, exchange.HTTPError }), false},
		{"no connection", empty(func(r *exchange.Record) { r.Status, r.Outcome = 0, exchange.ConnectError }), false},
		{"an error in place of the stream", empty(func(r *exchange.Record) { r.Outcome = exchange.StreamError }), false},
		{"left before there was anything", empty(func(r *exchange.Record) { r.Outcome = exchange.ClientGone }), false},
		{"an answer inside TLS", empty(func(r *exchange.Record) { r.Mode, r.Status = exchange.Sealed, 0 }), true},
		{"no answer inside TLS", empty(func(r *exchange.Record) { r.Mode, r.Status, r.Outcome = exchange.Sealed, 0, exchange.UpstreamCut }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names := exporter.NewNames(2, 1)
			tt.in.Model = exchange.Model{Request: "asked", Response: "told"}
			var d exporter.Drawing
			d.Exchange(&tt.in, names)
			later := exchange.Upstream{Host: "later", Port: 1}
			kept := []bool{names.ClaimModel("x") == exporter.Other, names.ClaimModel("y") == exporter.Other, names.ClaimUpstream(later) != later}
			known := kept[0]
			if kept[1] != known || kept[2] != known {
				t.Errorf("its names keep their places: %v", kept)
			}
			if known != tt.want {
				t.Errorf("its names keep their places: %v, want %v", known, tt.want)
			}
		})
	}
}

func TestJunkLeavesRoomForRealModels(t *testing.T) {
	names := exporter.NewNames(64, 64)
	observe := func(model string, status int) exporter.Identity {
		r := with(func(r *exchange.Record) { r.Model.Request, r.Status = model, status })
		if status != 200 {
			r.Outcome, r.Chunks = exchange.HTTPError, exchange.Chunks{}
		}
		return new(exporter.Drawing).Exchange(&r, names)
	}
	for i := range 64 {
		if id := observe(fmt.Sprintf("junk-%d", i), 404); id.Request != fmt.Sprintf("junk-%d", i) {
			t.Errorf("while there is room, junk is %q", id.Request)
		}
	}
	if id := observe("more junk", 404); id.Request != exporter.Other {
		t.Errorf("without room, junk is %q", id.Request)
	}
	if id := observe("gpt-4o", 200); id.Request != "gpt-4o" {
		t.Errorf("after 64 junk models a real one is %q", id.Request)
	}
}

func TestANameUnusedForAnHourGivesItsPlaceToANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := exporter.NewNames(2, 1)
		up := func(host string) exchange.Upstream { return exchange.Upstream{Host: host, Port: 443} }
		n.ClaimModel("a")
		n.ClaimModel("b")
		n.ClaimUpstream(up("a"))
		time.Sleep(59 * time.Minute)
		n.Model("b") // uses it
		if got := n.ClaimModel("c"); got != exporter.Other {
			t.Errorf("after 59 minutes a third name is %q", got)
		}
		time.Sleep(time.Minute)
		if got := n.Model("a"); got != "a" {
			t.Errorf("a name that nobody needed the place of is %q", got) // and it is used now
		}
		time.Sleep(59 * time.Minute)
		for _, tt := range []struct{ claim, want string }{{"c", "c"}, {"d", exporter.Other}, {"a", "a"}, {"b", exporter.Other}} {
			if got := n.ClaimModel(tt.claim); got != tt.want {
				t.Errorf("%s becomes %q, want %q", tt.claim, got, tt.want)
			}
		}
		if got := n.ClaimUpstream(up("b")); got != up("b") {
			t.Errorf("an upstream in the place of one unused for two hours is %v", got)
		}
	})
}

func TestUpstreamsOfTheConfigurationKeepTheirLabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := exchange.Upstream{Host: "own", Port: 443}
		n := exporter.NewNames(1, 1)
		n.Keep(own)
		if got := n.Upstream(own); got != own {
			t.Errorf("before it answered it is %v", got)
		}
		for _, host := range []string{"a", "b"} {
			time.Sleep(2 * time.Hour)
			other := exchange.Upstream{Host: host, Port: 443}
			if got := n.ClaimUpstream(other); got != other {
				t.Errorf("beside it there is no room for %s", host)
			}
		}
		if got := n.Upstream(own); got != own {
			t.Errorf("after hours without traffic it is %v", got)
		}
	})
}

func TestAModelThatIsCalledOtherTakesNoPlace(t *testing.T) {
	n := exporter.NewNames(1, 1)
	n.ClaimModel(exporter.Other)
	if got := n.ClaimModel("a"); got != "a" {
		t.Errorf("no place is left: %q", got)
	}
}
