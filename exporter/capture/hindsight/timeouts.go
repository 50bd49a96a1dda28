package hindsight

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Kind is a timeout that clients have.
type Kind string

// The timeouts. A client cuts an exchange when its timeout is over.
const (
	// FirstByte runs from the request to the head of the response.
	FirstByte Kind = "first_byte"
	// IdleTime runs from each read to the next one, the head and all bytes of the body, pings
	// among them.
	IdleTime Kind = "idle"
	// Total runs from the request to the last byte.
	Total Kind = "total"
)

func kinds() []Kind { return []Kind{FirstByte, IdleTime, Total} }

// Timeouts is how client timeouts would have cut the exchanges of a capture.
type Timeouts struct {
	report.LeftOut
	Further int             `json:"further_groups"` // exchanges of more groups than a report has
	Groups  []GroupTimeouts `json:"groups"`         // most exchanges first
}

// GroupTimeouts is the same for one group.
type GroupTimeouts struct {
	Key
	Good   int `json:"answered"`
	Failed int `json:"failed"` // that came to nothing; CutShort are not among them
	// CutShort exchanges came to nothing because somebody ended them: the client left, or
	// headway stopped or had a timeout. How long they would have waited, and whether for an
	// answer, nobody knows.
	CutShort int `json:"cut_short"`
	// Unmeasured exchanges are in lines of an older headway, which did not tell the waits for
	// bytes. No other number counts them.
	Unmeasured int      `json:"unmeasured"`
	Advice     []Advice `json:"advice"` // one each Kind
}

// Advice is how each value of one timeout would have gone, and the value to take.
type Advice struct {
	Kind Kind      `json:"timeout"`
	Rows []Timeout `json:"rows"` // shortest first
	// LongestGood is the longest wait of an exchange that was answered after all.
	LongestGood float64 `json:"longest_good_s"`
	// Best is the value to take; nil if too few exchanges were answered, or if they took
	// longer than any value.
	Best *Timeout `json:"best"`
	// GaveUp is the wait at which most clients gave up that did, if they agree: it is a
	// timeout of their own, most likely. No longer wait could end well.
	GaveUp *GaveUp `json:"gave_up"`
}

// Timeout is how one value of a timeout would have gone.
type Timeout struct {
	Seconds float64 `json:"timeout_s"`
	Killed  int     `json:"killed"` // exchanges that were answered, and later than this
	// KilledAtMost is the share of answered exchanges that it may kill, with 95 % confidence.
	KilledAtMost float64 `json:"killed_at_most"`
	// Hung exchanges came to nothing, after a second without content at least, and it would
	// have ended them sooner. HungCutShort are those of them that somebody cut short: they
	// might have been answered later.
	Hung         int     `json:"hung"`
	HungCutShort int     `json:"hung_cut_short"`
	Saved        float64 `json:"saved_s"` // the time without content of Hung, from the timeout to the end
	// Unknown exchanges were cut short before this, and after a wait of a second at least.
	Unknown int `json:"unknown"`
}

// GaveUp is a wait that clients did not exceed.
type GaveUp struct {
	Seconds float64 `json:"after_s"`
	Clients int     `json:"clients"`
	Of      int     `json:"of"` // the clients that left after a wait of a second at least
}

// Waits gathers the waits of exchanges. It keeps three numbers for each that was answered,
// and more for the others. It is not safe for concurrent use.
type Waits struct {
	by      report.By
	groups  map[Key]*waits
	further int
	leftOut report.LeftOut
}

// NewWaits returns a Waits that divides by the field, and streams from answers in one piece.
func NewWaits(by report.By) *Waits { return &Waits{by: by, groups: map[Key]*waits{}} }

// waits are those of one group.
type waits struct {
	good       map[Kind][]micros // not longer than never
	longest    map[Kind]time.Duration
	bad        []ended
	unmeasured int
}

// ended is an exchange that came to nothing. Times count from its start.
type ended struct {
	end      time.Duration
	head     time.Duration // 0: none came
	body     time.Duration // the longest wait behind the head
	last     time.Duration // the wait in which it ended
	content  time.Duration // when the last content came; 0: none did
	cutShort bool
	left     bool // the client did
}

// Add adds one line. It ignores lines of calls: a timeout of a client is one of each
// attempt.
func (w *Waits) Add(l capture.Line) {
	if l.Kind != "" || w.leftOut.Skip(&l) {
		return
	}
	key := Key{Stream: l.Stream}
	switch w.by {
	case report.ByOperation:
		key.Operation = l.Operation
	case report.ByModel:
		key.Model = l.Model.Request
	case report.ByUpstream:
		key.Upstream = l.Upstream
	}
	if w.groups[key] == nil {
		if len(w.groups) == maxGroups {
			w.further++
			return
		}
		w.groups[key] = &waits{good: map[Kind][]micros{}, longest: map[Kind]time.Duration{}}
	}
	w.groups[key].add(&l)
}

func (w *waits) add(l *capture.Line) {
	if l.Idle == nil {
		w.unmeasured++
		return
	}
	e := ended{
		end: roundedUp(l.E2E), content: roundedUp(l.LastToken),
		head: roundedUp(l.Idle.Head), body: roundedUp(l.Idle.Body), last: roundedUp(l.Idle.End),
	}
	switch exchange.Outcome(l.Outcome) {
	case exchange.OK:
		for _, k := range kinds() {
			wait := e.wait(k)
			w.good[k] = append(w.good[k], micros(min(time.Duration(never), wait/time.Microsecond)))
			w.longest[k] = max(w.longest[k], wait)
		}
		return
	case exchange.ClientGone:
		e.cutShort, e.left = true, true
	case exchange.Drained, exchange.Timeout:
		e.cutShort = true
	}
	w.bad = append(w.bad, e)
}

// wait is the wait that a timeout measures: it cuts the exchange if it is shorter.
func (e *ended) wait(k Kind) time.Duration {
	switch {
	case k == Total || k == FirstByte && e.head == 0:
		return e.end
	case k == FirstByte:
		return e.head
	}
	return max(e.head, e.body, e.last)
}

// open is the wait in which the exchange ended, if the timeout was running then.
func (e *ended) open(k Kind) time.Duration {
	switch {
	case k == Total || k == FirstByte && e.head == 0:
		return e.end
	case k == IdleTime:
		return e.last
	}
	return 0
}

// hung says whether no content came for a second or longer before the end.
func (e *ended) hung() bool { return e.end >= second && e.end-second >= e.content }

// second is the shortest silence that counts as one.
const second = exchange.StallFrom

// saved is the time without content that a timeout would have saved. It may have fired in a
// gap before the last byte: nobody knows when, so only the time after that byte counts.
func (e *ended) saved(k Kind, timeout time.Duration) time.Duration {
	if !e.hung() || e.wait(k) <= timeout {
		return 0
	}
	fires := timeout
	if k == IdleTime && e.head <= timeout {
		fires = e.end - e.last
		if e.last > timeout {
			fires += timeout
		}
	}
	return e.end - min(e.end, max(fires, e.content))
}

// Timeouts returns the advice of all lines so far.
func (w *Waits) Timeouts() Timeouts {
	out := Timeouts{LeftOut: w.leftOut, Further: w.further}
	for key, of := range w.groups {
		out.Groups = append(out.Groups, of.timeouts(key))
	}
	slices.SortFunc(out.Groups, func(a, b GroupTimeouts) int {
		return cmp.Or(cmp.Compare(b.all(), a.all()), compareKeys(a.Key, b.Key))
	})
	return out
}

func (g *GroupTimeouts) all() int { return g.Good + g.Failed + g.CutShort }

func (w *waits) timeouts(key Key) GroupTimeouts {
	out := GroupTimeouts{Key: key, Good: len(w.good[Total]), Unmeasured: w.unmeasured}
	for i := range w.bad {
		if w.bad[i].cutShort {
			out.CutShort++
		} else {
			out.Failed++
		}
	}
	for _, k := range kinds() {
		out.Advice = append(out.Advice, w.advise(k))
	}
	return out
}

// values lists the timeouts from which the advice chooses.
func values() []time.Duration {
	var out []time.Duration
	for _, seconds := range []float64{1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600} {
		out = append(out, roundedUp(seconds))
	}
	return out
}

// roundedUp is a time in seconds, rounded up to microseconds.
func roundedUp(seconds float64) time.Duration {
	return time.Duration(max(0, math.Ceil(math.Round(min(seconds, longestWait)*1e9)/1e3))) * time.Microsecond
}

// longestWait is a year in seconds. Longer ones are mistakes, and no Duration holds them.
const longestWait = 365 * 24 * 3600
