package slo

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ObserveTurn gives t the verdicts of the SLOs on turns, and hands it on.
func (j *Judge) ObserveTurn(t exchange.WholeTurn) {
	if judged(&t.Last) && t.Outcome != exchange.TurnUnknown {
		t.Verdicts = j.judgeTurn(&t)
	}
	exchange.HandTurn(j.config.Next, t)
}

// judgeTurn returns the Verdicts on t. An SLO matches a turn by its last exchange.
func (j *Judge) judgeTurn(t *exchange.WholeTurn) []exchange.Verdict {
	e := j.engine.Load()
	q, r := RequestOfTurn(t), t.Last
	r.Outcome = q.Outcome
	var matched []*ledger
	var opinions []opinion
	var out []exchange.Verdict
	for _, by := range e.plan(&r).turns {
		matched = append(matched, by.ledger)
		if missed, counts := by.Good.Judge(&q); counts && (q.Outcome == exchange.OK || !by.excludes(&r)) {
			opinions = append(opinions, opinion{by: by, missed: missed})
			out = append(out, exchange.Verdict{SLO: by.Name, Good: missed == 0, Missed: missed})
		}
		if e.set.First {
			break
		}
	}
	if len(matched) > 0 {
		now := time.Now()
		j.mu.Lock()
		j.books.add(now, matched, opinions)
		j.mu.Unlock()
	}
	return out
}

// RequestOfTurn returns the facts of a turn: its time is E2E, and the time to its first
// answer TTFA. A turn that was abandoned is one whose client left.
func RequestOfTurn(t *exchange.WholeTurn) Request {
	q := Request{Outcome: exchange.OK, Stream: t.FirstAnswer > 0, TTFA: t.FirstAnswer, E2E: t.All}
	switch {
	case t.Outcome == exchange.TurnAbandoned:
		q.Outcome = exchange.ClientGone
	case t.Outcome == exchange.TurnFailed && t.Last.Outcome != exchange.OK:
		q.Outcome = t.Last.Outcome
	case t.Outcome == exchange.TurnFailed:
		q.Outcome = exchange.HTTPError
	}
	return q
}

// checkTurn finds what an SLO on turns cannot ask for.
func (s *SLO) checkTurn() Problems {
	if s.Judge != Turn {
		return nil
	}
	var out Problems
	for _, o := range s.Good {
		if o.Indicator != exchange.E2E && o.Indicator != exchange.TTFA {
			out = append(out, s.Problem("good."+o.Indicator.String(), "a turn has none: it is many exchanges",
				"limit e2e, the time of the whole turn, or ttfa, the time to its first answer token"))
		}
	}
	if len(s.Match.Header) > 0 {
		out = append(out, s.Problem("match.header", "a turn has no header: it is many exchanges", "leave it out"))
	}
	if s.Match.InputTokens != (Range{}) {
		out = append(out, s.Problem("match.input_tokens", "a turn has no prompt of its own: it is many exchanges", "leave it out"))
	}
	return out
}
