package live

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// TestCanariesAreListedAlone: they enter no number.
func TestCanariesAreListedAlone(t *testing.T) {
	v := watched()
	before := tableOf(v)
	canary := streamed(time.Hour, time.Second, 5)
	canary.Origin, canary.Outcome = exchange.Canary, exchange.OK
	v.Observe(canary)
	if after := tableOf(v); after != before {
		t.Errorf("with a canary the table is\n%s\nwant\n%s", after, before)
	}
	if list := v.Exchanges(10, 0); len(list) != 4 || list[0].Origin != "canary" || list[0].Number != 4 {
		t.Errorf("the list is %+v", list)
	}
}

// TestRateLimitsStayBounded, and the newest are there.
func TestRateLimitsStayBounded(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	for i := range 3 * maxLimits {
		r := streamed(time.Millisecond, time.Millisecond, 2)
		r.Model.Request = strings.Repeat("m", i+1)
		r.RateLimits = []exchange.RateLimit{{Kind: "requests", Limit: exchange.Known(10), Remaining: exchange.Known(int64(i % 10))}}
		v.Observe(r)
	}
	if n := len(v.Summary().Limits); n != maxLimits {
		t.Errorf("%d limits are kept", n)
	}
}

func TestAnExchangeIsListedWithItsLabelsAndLimits(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	v.Labels = []string{"tenant", "team"}
	r := streamed(time.Second, time.Millisecond, 5)
	r.Labels = []string{"", "search"}
	r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT, Limit: time.Millisecond, Verdict: exchange.LimitMissed}}
	v.Observe(r)
	if e := v.Exchanges(1, 0)[0]; len(e.Labels) != 1 || e.Labels["team"] != "search" || len(e.Limits) != 1 || e.Limits[0] != "ttft missed" {
		t.Errorf("labels %v, limits %q", e.Labels, e.Limits)
	}
}
