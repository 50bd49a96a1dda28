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
		{"time after the first token divided by the tokens after it", 100 * ms, 400 * ms, exchange.Known(31), 10 * ms},
		{"two tokens", 100 * ms, 400 * ms, exchange.Known(2), 300 * ms},
		{"one token has no TPOT", 100 * ms, 100 * ms, exchange.Known(1), 0},
		{"no token has no TPOT", 0, 0, exchange.Known(5), 0},
		{"an unknown number of tokens has no TPOT", 100 * ms, 400 * ms, exchange.Count{N: 31}, 0},
		{"tokens that came at once have no TPOT", 100 * ms, 100 * ms, exchange.Known(5), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := exchange.Record{
				Timing: exchange.Timing{FirstToken: tt.first, LastToken: tt.last, End: time.Second},
				// The provider billed 1000 tokens; reasoning that it did not send does not count.
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

// observer appends its name and the dialect of every Record to a list.
type observer struct {
	name string
	seen *[]string
}

func (o observer) Observe(r exchange.Record) { *o.seen = append(*o.seen, o.name+" "+r.Dialect) }

func TestFanoutHandsARecordToEveryObserverInOrder(t *testing.T) {
	var seen []string
	exchange.Fanout{observer{"a", &seen}, observer{"b", &seen}}.Observe(exchange.Record{Dialect: "d"})
	if want := []string{"a d", "b d"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
