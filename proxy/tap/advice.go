package tap

import (
	"net/http"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// advise books a field of a response's head in which the server advises the client
// on trying again; it passes over any other field. The finest unit wins; a date
// counts from now (RFC 9110, section 10.2.3).
func advise(a *exchange.Advice, name, value []byte, now time.Time) {
	switch {
	case exchange.EqualFold(name, "x-should-retry"):
		switch string(value) {
		case "true":
			a.Retry = exchange.Yes
		case "false":
			a.Retry = exchange.No
		}
	case exchange.EqualFold(name, "retry-after-ms"), exchange.EqualFold(name, "x-amz-retry-after"):
		if wait := amount(value, time.Millisecond); wait > 0 {
			a.RetryAfter = wait
		}
	case exchange.EqualFold(name, "retry-after") && a.RetryAfter == 0:
		if a.RetryAfter = amount(value, time.Second); a.RetryAfter > 0 {
			return
		}
		if date, err := http.ParseTime(string(value)); err == nil {
			a.RetryAfter = max(0, date.Sub(now))
		}
	}
}

// amount reads a number of units. Any other text is 0, and so is more than a year.
func amount(v []byte, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil || !(n > 0) || n > float64(365*24*time.Hour/unit) {
		return 0
	}
	return time.Duration(n * float64(unit))
}
