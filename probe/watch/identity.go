package watch

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

// identityKey says whose answers an identity describes.
type identityKey struct {
	source Source
	probe  string
	model  string
}

// identity is what answers say about the model behind them.
type identity struct {
	key    identityKey
	habits []*habit
	names  []*naming
}

func newIdentity(key identityKey, s drift.Settings) *identity {
	i := &identity{key: key, names: []*naming{{What: "answering model"}, {What: "system fingerprint"}}}
	for n := range traits {
		i.habits = append(i.habits, newHabit(key, &traits[n], s))
	}
	return i
}

func (i *identity) observe(e *event) {
	for _, h := range i.habits {
		if err := h.observe(e.end, h.trait.read(e)); err != nil {
			*h = *newHabit(i.key, h.trait, h.settings) // values without a distribution: once more
		}
	}
	i.names[0].observe(e.end, e.answered)
	i.names[1].observe(e.end, e.fingerprint)
}

func (i *identity) elapse(now time.Time) {
	for _, h := range i.habits {
		h.elapse(i.key, now)
	}
}

// tell logs what has changed since it was called last.
func (i *identity) tell(log *slog.Logger, now time.Time) {
	news := false
	for _, h := range i.habits {
		if alarm := h.alarm(); alarm != h.told {
			h.told, news = alarm, news || alarm
		}
	}
	for _, n := range i.names {
		news, n.told = news || n.Was != "" && !n.told, true
	}
	if !news {
		return
	}
	if c, changed := i.change(now); changed {
		at := []any{"source", string(c.Source), "model", c.Model}
		if c.Probe != "" {
			at = append(at, "probe", c.Probe)
		}
		log.Warn(c.Sentence, at...)
	}
}

func (i *identity) findings(now time.Time) []Finding {
	var out []Finding
	for _, h := range i.habits {
		f := Finding{Source: i.key.source, Probe: i.key.probe, Model: i.key.model, Indicator: h.trait.name, Verdict: h.verdict()}
		switch {
		case h.usual != nil && h.usual.Seen == 0:
			continue // nobody reports it
		case h.usual != nil:
			f.Sentence = h.trait.words + ": headway still learns what is usual."
		case f.Verdict.Ratio.Of == 0:
			f.Sentence = h.trait.words + ": nothing to compare yet."
		case f.Verdict.Since.IsZero():
			f.Sentence = h.trait.words + ": as usual."
		default:
			f.Sentence = h.words(f.Verdict) + " since " + clock(f.Verdict.Since, now) + "."
		}
		out = append(out, f)
	}
	return out
}

// Change says that a model is perhaps another one than before.
type Change struct {
	Source   Source
	Probe    string // empty for production
	Model    string
	Since    time.Time
	Sentence string
}

// Changes returns the models that seem to have changed: a trait raises its alarm, or
// another name answered within the last day.
func (w *Watch) Changes(now time.Time) []Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Change
	for _, i := range w.book.identities {
		if c, changed := i.change(now); changed {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Change) int {
		return strings.Compare(string(a.Source)+a.Probe+"\n"+a.Model, string(b.Source)+b.Probe+"\n"+b.Model)
	})
	return out
}

func (i *identity) change(now time.Time) (Change, bool) {
	c := Change{Source: i.key.source, Probe: i.key.probe, Model: i.key.model}
	var parts []string
	note := func(since time.Time, words string) {
		parts = append(parts, words)
		if c.Since.IsZero() || since.Before(c.Since) {
			c.Since = since
		}
	}
	for _, n := range i.names {
		if n.Was != "" && now.Sub(n.Since).Abs() < renewed {
			note(n.Since, fmt.Sprintf("%s %s → %s", n.What, n.Was, n.Is))
		}
	}
	for _, h := range i.habits {
		if h.alarm() {
			v := h.verdict()
			note(v.Since, h.words(v))
		}
	}
	if len(parts) == 0 {
		return c, false
	}
	c.Sentence = fmt.Sprintf("Something about %s changed at %s: %s. This is a hint and proves nothing.", c.Model, clock(c.Since, now), strings.Join(parts, ", "))
	return c, true
}

// clock writes the time of day, with the date in front unless it is today's.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// naming follows a name that answers carry: of several that take turns it remembers all.
type naming struct {
	What  string    `json:"what"`
	Known []string  `json:"known,omitempty"` // in the order in which they came last
	Was   string    `json:"was,omitempty"`   // the name before the latest new one; empty without one
	Is    string    `json:"is,omitempty"`
	Since time.Time `json:"since,omitzero"`

	told bool
}

// mostNames bounds the names that take turns.
const mostNames = 16

func (n *naming) observe(at time.Time, name string) {
	const longest = 200
	if name == "" || len(name) > longest {
		return
	}
	last := len(n.Known) - 1
	if last >= 0 && n.Known[last] == name {
		return
	}
	if at := slices.Index(n.Known, name); at >= 0 {
		n.Known = append(slices.Delete(n.Known, at, at+1), name)
		return
	}
	if last >= 0 {
		n.Was, n.Is, n.Since, n.told = n.Known[last], name, at, false
	}
	if len(n.Known) == mostNames {
		n.Known = slices.Delete(n.Known, 0, 1)
	}
	n.Known = append(n.Known, name)
}
