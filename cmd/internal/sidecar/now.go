package sidecar

import (
	"context"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
)

// View returns what the sidecar tells of its last exchanges.
func (s *Sidecar) View() *live.View { return s.view }

// Frame returns what a screen shows of the sidecar now. It fits live.Source.
func (s *Sidecar) Frame(context.Context) (*live.Frame, error) {
	return &live.Frame{
		Summary: *s.view.Summary(), Drift: s.judging.told(time.Now()), Streams: live.Streams(s.tap.AppendOpen(nil), time.Now(), defaultLimit), Chains: s.chains.Chains(defaultLimit),
		Turns: live.Agents(s.turns.Turns(defaultLimit)),
	}, nil
}

// underWay counts the exchanges under way.
func (s *Sidecar) underWay() int {
	n := 0
	for _, in := range s.tap.InFlight() {
		n += in.Requests
	}
	return n
}

// serveSummary serves GET /api/v1/summary: how traffic goes.
func (s *Sidecar) serveSummary(w http.ResponseWriter, _ *http.Request) { answer(w, s.view.Summary()) }

// listOpen serves GET /api/v1/open?limit=: the exchanges under way, the longest silence
// first.
func (s *Sidecar) listOpen(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitOf(w, r)
	if !ok {
		return
	}
	open := s.tap.AppendOpen(nil)
	answer(w, struct {
		Open    int           `json:"open"`
		Streams []live.Stream `json:"streams"`
	}{len(open), live.Streams(open, time.Now(), limit)})
}

// listExchanges serves GET /api/v1/exchanges?limit=: the last exchanges that ended, the
// newest first.
func (s *Sidecar) listExchanges(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitOf(w, r)
	if !ok {
		return
	}
	answer(w, struct {
		Exchanges []live.Exchange `json:"exchanges"`
	}{s.view.Exchanges(limit, 0)})
}

// serveExchange serves GET /api/v1/exchanges/{id}: one of these, step by step.
func (s *Sidecar) serveExchange(w http.ResponseWriter, r *http.Request) {
	one, ok := s.view.Exchange(r.PathValue("id"))
	if !ok {
		http.Error(w, "headway keeps no exchange of this id: it has the last ones only", http.StatusNotFound)
		return
	}
	answer(w, one)
}
