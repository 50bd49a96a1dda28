package tap_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestAdviceIsTheServers(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
	for name, tt := range map[string]struct {
		fields []string
		want   exchange.Advice
	}{
		"nothing":                {nil, exchange.Advice{}},
		"seconds":                {[]string{"Retry-After", "3"}, exchange.Advice{RetryAfter: 3 * time.Second}},
		"a part of a second":     {[]string{"retry-after", "0.5"}, exchange.Advice{RetryAfter: 500 * time.Millisecond}},
		"milliseconds":           {[]string{"retry-after-ms", "250", "retry-after", "1"}, exchange.Advice{RetryAfter: 250 * time.Millisecond}},
		"milliseconds, last":     {[]string{"retry-after", "1", "retry-after-ms", "250"}, exchange.Advice{RetryAfter: 250 * time.Millisecond}},
		"milliseconds of AWS":    {[]string{"x-amz-retry-after", "1500"}, exchange.Advice{RetryAfter: 1500 * time.Millisecond}},
		"a date that has passed": {[]string{"retry-after", in(-time.Minute)}, exchange.Advice{}},
		"nonsense":               {[]string{"retry-after", "soon", "retry-after-ms", "NaN"}, exchange.Advice{}},
		"below nothing":          {[]string{"retry-after", "-3"}, exchange.Advice{}},
		"beyond measure":         {[]string{"retry-after", "1e300"}, exchange.Advice{}},
		"yes":                    {[]string{"X-Should-Retry", "true"}, exchange.Advice{Retry: exchange.Yes}},
		"no":                     {[]string{"x-should-retry", "false"}, exchange.Advice{Retry: exchange.No}},
		"neither":                {[]string{"x-should-retry", "maybe"}, exchange.Advice{}},
	} {
		if got := advised(t, tt.fields...); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	if got := advised(t, "retry-after", in(time.Minute)).RetryAfter; got < 58*time.Second || got > time.Minute {
		t.Errorf("a date in a minute is %v", got)
	}
}

func advised(t *testing.T, fields ...string) exchange.Advice {
	t.Helper()
	of, told := newTap()
	x := of.Begin(chat())
	x.ResponseHead(429, header(fields...), tap.Now())
	end(x)
	return told.only(t).Advice
}
