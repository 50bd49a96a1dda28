package proxy_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// grenade is a dialect that panics in the method it names.
type grenade string

func (g grenade) pull(method grenade) {
	if g == method {
		panic("boom")
	}
}

func (g grenade) Match(*dialect.Head) bool                 { g.pull("Match"); return true }
func (g grenade) NewDecoder(*dialect.Head) dialect.Decoder { g.pull("NewDecoder"); return g }
func (g grenade) Request([]byte)                           { g.pull("Request") }
func (g grenade) Ask() dialect.Ask                         { g.pull("Ask"); return dialect.Ask{} }
func (g grenade) Feed([]byte, time.Duration)               { g.pull("Feed") }
func (g grenade) Progress() dialect.Progress               { g.pull("Progress"); return dialect.Progress{} }
func (g grenade) Over() bool                               { g.pull("Over"); return false }
func (g grenade) Waited() dialect.Wait                     { g.pull("Waited"); return dialect.Wait{} }
func (g grenade) Close() dialect.Reply                     { g.pull("Close"); return dialect.Reply{Complete: true} }

// TestPanickingDecoderHarmsNothing: the traffic passes and has its Record.
func TestPanickingDecoderHarmsNothing(t *testing.T) {
	for _, method := range []grenade{"Match", "NewDecoder", "Request", "Ask", "Feed", "Progress", "Over", "Close"} {
		t.Run(string(method), func(t *testing.T) {
			u := newUpstream(t, answering)
			f := newFixture(t, u.url, func(_ *proxy.Config, c *tap.Config) { c.Dialects = dialect.Set{method} })
			c := f.dial()
			for range 2 {
				c.send(chat())
				c.expect(okay)
				f.want(exchange.OK, "", 200)
			}
			if n := f.tap.Detached()["panic"]; n != 2 {
				t.Errorf("counted %d panics, want 2", n)
			}
		})
	}
}

type panicker struct{}

func (panicker) Observe(exchange.Record) { panic("boom") }

// TestPanickingObserverHarmsNothing, neither the traffic nor the observers before it.
func TestPanickingObserverHarmsNothing(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url, func(_ *proxy.Config, c *tap.Config) {
		c.Observer = exchange.Fanout{c.Observer, panicker{}}
	})
	c := f.dial()
	for range 3 {
		f.ask(c)
	}
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d upstream connections, want 1", n)
	}
}
