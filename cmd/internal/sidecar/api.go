package sidecar

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
)

// defaultLimit is how many entries a list of the API has unless it is asked for
// another number.
const defaultLimit = 100

// listChains serves GET /api/v1/chains?limit=: the calls that failed at least once,
// those that are open first, each newest first.
func (s *Sidecar) listChains(w http.ResponseWriter, r *http.Request) {
	limit := defaultLimit
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			http.Error(w, fmt.Sprintf("limit: %q is not a number from 0", text), http.StatusBadRequest)
			return
		}
		limit = n
	}
	answer(w, struct {
		Chains []chain.Summary `json:"chains"`
	}{s.chains.Chains(limit)})
}

// tellSLOs serves GET /api/v1/slo: goodput and error budgets as this process knows
// them.
func (s *Sidecar) tellSLOs(w http.ResponseWriter, _ *http.Request) {
	answer(w, s.SLOs(time.Now()))
}

// answer sends v as JSON.
func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}
