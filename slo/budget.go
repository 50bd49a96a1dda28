package slo

import "time"

// Budget is the error budget over the SLO's window, as far back as this process remembers.
type Budget struct {
	Since    time.Time `json:"since"` // the start of the counts, or of the window if that is later
	Requests uint64    `json:"requests"`
	Bad      uint64    `json:"bad"`
	// Remaining is the unused share of the bad requests that the objective allows among
	// Requests: below 0 when the budget is overdrawn, absent without requests.
	Remaining *float64 `json:"remaining_ratio,omitempty"`
	// BurnRate is how many times faster than sustainable the last hour used the budget.
	BurnRate *float64 `json:"burn_rate,omitempty"`
	// Exhausted is how many seconds the budget lasts if it goes on as in the last hour;
	// 0 is now, absent is for ever.
	Exhausted *float64 `json:"exhausted_in_s,omitempty"`
}

func (l *ledger) budget(s *SLO, now time.Time) Budget {
	b := Budget{Since: l.since.UTC()}
	if start := now.Add(-s.Window).UTC(); start.After(b.Since) {
		b.Since = start
	}
	from := now.Unix()/3600 - int64(s.Window/time.Hour)
	good := uint64(0)
	for _, h := range l.hours {
		if h.at <= from {
			continue
		}
		b.Requests += h.total
		good += h.good
	}
	b.Bad = b.Requests - good
	if b.Requests > 0 {
		b.Remaining = new(1 - float64(b.Bad)/(float64(b.Requests)*s.allowed()))
	}
	return b
}

// burn sets BurnRate and Exhausted from the last hour.
func (b *Budget) burn(s *SLO, hour *tally) {
	if hour.requests == 0 {
		return
	}
	rate := float64(hour.requests-hour.good) / float64(hour.requests) / s.allowed()
	b.BurnRate = &rate
	switch {
	case b.Remaining == nil:
	case *b.Remaining <= 0:
		b.Exhausted = new(0.0)
	case rate > 0:
		b.Exhausted = new(*b.Remaining * s.Window.Seconds() / rate)
	}
}

// allowed is the share of exchanges that may be bad.
func (s *SLO) allowed() float64 { return 1 - s.Objective/100 }
