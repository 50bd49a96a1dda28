package proxy

import (
	"bytes"
	"strings"
)

// doubled is the end of the upstream's path with which target, in origin form, begins
// too: "/v1", if an upstream at …/v1 gets a request for /v1/models. It is empty for an
// ordinary target.
func (r *Route) doubled(target []byte) string {
	if r.base == "" {
		return ""
	}
	rest := target[len(r.Prefix):]
	for i := range r.base {
		if r.base[i] != '/' {
			continue
		}
		end := r.base[i:]
		if after, ok := bytes.CutPrefix(rest, []byte(end)); ok && (len(after) == 0 || after[0] == '/' || after[0] == '?') {
			return end
		}
	}
	return ""
}

// hintAtDoubledPath logs, once for each upstream, that it answered 404 to a path that
// repeats itself.
func (r *relay) hintAtDoubledPath(status int) {
	if status != 404 || r.doubled == "" || r.route.hinted.Swap(true) {
		return
	}
	r.client.proxy.config.Log.Warn("the upstream answered 404, and its path repeats the request's: leave it out of the upstream's URL or out of the application's base URL",
		"upstream", r.route.String(), "repeated", r.doubled, "instead", strings.TrimSuffix(r.route.String(), r.doubled))
}
