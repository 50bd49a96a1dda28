package sidecar

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// maxProfile is the longest that a profile or a trace may take.
const maxProfile = time.Minute

// profiles lets one profile be made at a time, and none that holds the traffic up.
type profiles struct{ turn chan struct{} }

func newProfiles() *profiles { return &profiles{make(chan struct{}, 1)} }

// one wraps a handler of net/http/pprof.
func (p *profiles) one(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if text := r.FormValue("seconds"); text != "" {
			// Not ParseDuration: pprof takes bare numbers. NaN fails both comparisons.
			if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= maxProfile.Seconds()) {
				http.Error(w, fmt.Sprintf("seconds: %q is not a number from 1 to %v: seconds=30", text, maxProfile.Seconds()), http.StatusBadRequest)
				return
			}
		}
		if n, _ := strconv.Atoi(r.FormValue("debug")); n > 1 {
			// It stops every goroutine while it prints the stacks of all: 320 ms with 3,000
			// streams.
			http.Error(w, fmt.Sprintf("debug=%d would hold up all traffic: debug=1 counts equal stacks", n), http.StatusBadRequest)
			return
		}
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
			h(w, r)
		default:
			w.Header().Set("Retry-After", "30")
			http.Error(w, "another profile is being made", http.StatusServiceUnavailable)
		}
	}
}
