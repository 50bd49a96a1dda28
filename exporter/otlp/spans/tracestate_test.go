package spans_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestTracestateHasTheThreshold(t *testing.T) {
	long := "long=" + strings.Repeat("x", 200)
	short := "short=" + strings.Repeat("y", 90)
	many := strings.TrimSuffix(strings.Repeat("a=1,", 32), ",")
	for _, c := range []struct {
		name     string
		state    string
		sampling exchange.Sampling
		want     string
	}{
		{"of all", "", exchange.Sampling{Weighted: true}, "ot=th:0"},
		{"of a half", "", exchange.Sampling{Weighted: true, Threshold: 1 << 55}, "ot=th:8"},
		{"with zeros in front", "", exchange.Sampling{Weighted: true, Threshold: 0x00100000000000}, "ot=th:001"},
		{"with all digits", "", exchange.Sampling{Weighted: true, Threshold: 1<<56 - 1}, "ot=th:ffffffffffffff"},
		{"beside other vendors", "a=1, b=2", exchange.Sampling{Weighted: true}, "ot=th:0,a=1,b=2"},
		{"instead of the client's", "a=1,ot=rv:6e6d1a75832a2f;th:8;x:1,b=2", exchange.Sampling{Weighted: true, Threshold: 0xc << 52}, "ot=th:c;rv:6e6d1a75832a2f;x:1,a=1,b=2"},
		{"unknown, and none", "a=1 ,b=2", exchange.Sampling{}, "a=1 ,b=2"},
		{"unknown, and the client's", "a=1,ot=rv:6e6d1a75832a2f;th:8", exchange.Sampling{}, "ot=rv:6e6d1a75832a2f,a=1"},
		{"unknown, and nothing else", "ot=th:8", exchange.Sampling{}, ""},
		{"too long for a long one", short + "," + long + ",z=" + strings.Repeat("z", 207), exchange.Sampling{Weighted: true}, "ot=th:0," + short + "," + long},
		{"too long for short ones", strings.Repeat(short+",", 5) + "end=" + strings.Repeat("z", 20), exchange.Sampling{Weighted: true}, "ot=th:0" + strings.Repeat(","+short, 5)},
		{"too many", many, exchange.Sampling{Weighted: true}, "ot=th:0" + strings.Repeat(",a=1", 31)},
		{"with too much of its own", "ot=rv:6e6d1a75832a2f;" + strings.Repeat("k", 240) + ":1", exchange.Sampling{Weighted: true}, "ot=th:0;rv:6e6d1a75832a2f"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain()
			c.sampling.Kept = true
			r.Trace.State, r.Sampling = c.state, c.sampling
			got := observed(t, r)[0].TraceState().AsRaw()
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if len(got) > 512 {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
}
