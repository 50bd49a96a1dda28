package exchange_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestTPOT(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, last time.Duration
		streamed    exchange.Count
		want        time.Duration
	}{
		{"the time after the first token, by the tokens after it", 100 * ms, 400 * ms, exchange.Known(31), 10 * ms},
		{"of two tokens", 100 * ms, 400 * ms, exchange.Known(2), 300 * ms},
		{"of one token there is none", 100 * ms, 100 * ms, exchange.Known(1), 0},
		{"of no token there is none", 0, 0, exchange.Known(5), 0},
		{"of an unknown number there is none", 100 * ms, 400 * ms, exchange.Count{N: 31}, 0},
		{"of tokens that came at once there is none", 100 * ms, 100 * ms, exchange.Known(5), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := exchange.Record{
				Timing: exchange.Timing{FirstToken: tt.first, LastToken: tt.last, End: time.Second},
				// Reasoning that was never sent does not count.
				Usage: exchange.Usage{Output: exchange.Known(1000), Streamed: tt.streamed},
			}
			if got := r.TPOT(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if r.TTFT() != tt.first || r.E2E() != time.Second {
				t.Errorf("TTFT %v, E2E %v", r.TTFT(), r.E2E())
			}
		})
	}
}

func TestClockKeepsSumAndLongest(t *testing.T) {
	var c exchange.Clock
	for _, d := range []time.Duration{2, 5, 3} {
		c.Add(d)
	}
	if c != (exchange.Clock{Sum: 10, Longest: 5}) {
		t.Errorf("got %+v", c)
	}
}

func TestUpstreamAddress(t *testing.T) {
	for want, u := range map[string]exchange.Upstream{
		"":                   {},
		"api.openai.com:443": {Host: "api.openai.com", Port: 443},
		"[::1]:8000":         {Host: "::1", Port: 8000},
	} {
		if got := u.Address(); got != want {
			t.Errorf("%+v: got %q, want %q", u, got, want)
		}
	}
}

// listener is an Observer that notes its name.
type listener struct {
	name  string
	heard *[]string
}

func (l listener) Observe(r exchange.Record) { *l.heard = append(*l.heard, l.name+" "+r.Dialect) }

func TestFanoutTellsEveryObserverInOrder(t *testing.T) {
	var heard []string
	exchange.Fanout{listener{"a", &heard}, listener{"b", &heard}}.Observe(exchange.Record{Dialect: "d"})
	if want := []string{"a d", "b d"}; !slices.Equal(heard, want) {
		t.Errorf("got %q, want %q", heard, want)
	}
}
