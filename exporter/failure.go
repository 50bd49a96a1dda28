package exporter

import (
	"net/http"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// failure is e as a label. An upstream chooses its statuses, and may lie: a status that
// nobody is known to use becomes its class, 4xx say.
func failure(e exchange.ErrorType) string {
	if len(e) != 3 || e[0] < '1' || e[0] > '9' {
		return string(e)
	}
	status := 0
	for _, digit := range []byte(e) {
		if digit < '0' || digit > '9' {
			return string(e)
		}
		status = 10*status + int(digit-'0')
	}
	if http.StatusText(status) != "" || ofVendors(status) {
		return string(e)
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx"}[status/100-1]
}

// ofVendors says whether status is one that gateways and model providers use beside those
// of IANA's registry: AWS load balancers 460, Groq 498, nginx 499, Cloudflare 520 to 527
// and 530, Anthropic 529.
func ofVendors(status int) bool {
	switch status {
	case 460, 498, 499, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530:
		return true
	}
	return false
}
