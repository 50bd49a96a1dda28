package sidecar

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/turn"
)

// defaultLimit is the number of entries in a list of the API if the request names no
// other.
const defaultLimit = 100

// listChains serves GET /api/v1/chains?limit=: the calls that failed at least once.
// Open calls come first, then ended ones, both from the newest to the oldest.
func (s *Sidecar) listChains(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitOf(w, r)
	if !ok {
		return
	}
	answer(w, struct {
		Chains []chain.Summary `json:"chains"`
	}{s.chains.Chains(limit)})
}

// listTurns serves GET /api/v1/turns?limit=: the turns of sessions. Open turns come first,
// then ended ones, both from the newest to the oldest.
func (s *Sidecar) listTurns(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitOf(w, r)
	if !ok {
		return
	}
	answer(w, struct {
		Turns []turn.Summary `json:"turns"`
	}{s.turns.Turns(limit)})
}

// limitOf returns the limit that the request names. It is not ok if that is no number; then
// the client has the answer.
func limitOf(w http.ResponseWriter, r *http.Request) (limit int, ok bool) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultLimit, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		http.Error(w, fmt.Sprintf("limit: %q is not a number from 0", text), http.StatusBadRequest)
		return 0, false
	}
	return n, true
}

// serveSLOs serves GET /api/v1/slo: goodput and error budgets from the exchanges of
// this process.
func (s *Sidecar) serveSLOs(w http.ResponseWriter, _ *http.Request) {
	answer(w, s.SLOs(time.Now()))
}

// answer sends v as JSON.
func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}
