package proxy

import (
	"bytes"
	"log/slog"
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

// hintAtVersion logs that requests to an upstream get a version before their path, as in
// …/v1: an application whose base URL has one too gets 404.
func (r *Route) hintAtVersion(log *slog.Logger) {
	last := r.base[strings.LastIndexByte(r.base, '/')+1:]
	if len(last) >= 2 && last[0] == 'v' && '0' <= last[1] && last[1] <= '9' {
		log.Info("the upstream's path goes before the path of every request: the application's base URL must not repeat it",
			"upstream", r.String(), "path", "/"+last)
	}
}
