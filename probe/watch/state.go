package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// stateSchema names the format of the file.
const stateSchema = "headway-watch/v1"

// state is what survives a restart.
type state struct {
	Schema     string          `json:"schema"`
	Tracks     []savedTrack    `json:"tracks,omitempty"`
	Identities []savedIdentity `json:"identities,omitempty"`
}

type savedTrack struct {
	Source    Source          `json:"source"`
	Probe     string          `json:"probe,omitempty"`
	Of        string          `json:"of,omitempty"` // what the probe sends
	Model     string          `json:"model"`
	Indicator baseline.Name   `json:"indicator"`
	Cell      string          `json:"cell,omitempty"`
	State     json.RawMessage `json:"state"`
}

type savedIdentity struct {
	Source Source       `json:"source"`
	Probe  string       `json:"probe,omitempty"`
	Of     string       `json:"of,omitempty"`
	Model  string       `json:"model"`
	Names  []*naming    `json:"names"`
	Habits []savedHabit `json:"habits"`
}

type savedHabit struct {
	Trait     string          `json:"trait"`
	Usual     *usual          `json:"usual,omitempty"`
	Reference saved           `json:"reference"`
	More      json.RawMessage `json:"more,omitempty"`
	Less      json.RawMessage `json:"less,omitempty"`
}

// state returns the state of all detectors.
func (w *Watch) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book.state(w.log)
}

func (w *Watch) restore(s state) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.restore(s)
	w.told = time.Time{}
}

func (k *book) state(log *slog.Logger) state {
	s := state{Schema: stateSchema}
	save := func(d detector) json.RawMessage {
		text, err := d.Save()
		if err != nil {
			log.Warn("a detector cannot be saved", "err", err)
		}
		return text
	}
	for _, t := range k.tracks() {
		if t.detector != nil {
			s.Tracks = append(s.Tracks, savedTrack{t.source, t.probe, k.sends(t.probe), t.model, t.indicator, t.cell, save(t.detector)})
		}
	}
	for key, i := range k.identities {
		one := savedIdentity{Source: key.source, Probe: key.probe, Of: k.sends(key.probe), Model: key.model}
		for _, n := range i.names {
			n := *n
			n.Known = slices.Clone(n.Known)
			one.Names = append(one.Names, &n)
		}
		for _, h := range i.habits {
			of := savedHabit{Trait: h.trait.name, Reference: h.reference}
			if h.usual != nil {
				u := *h.usual
				u.Values = slices.Clone(u.Values)
				of.Usual = &u
			} else {
				of.More, of.Less = save(h.more), save(h.less)
			}
			one.Habits = append(one.Habits, of)
		}
		s.Identities = append(s.Identities, one)
	}
	return s
}

func (k *book) tracks() (out []*track) {
	for _, c := range k.canaries {
		out = append(out, c.tracks...)
	}
	for _, t := range k.production {
		out = append(out, t.tracks...)
	}
	return out
}

// sends says what a probe sends: a probe of the same name that sends something else begins
// anew.
func (k *book) sends(name string) string {
	c := k.canaries[name]
	if c == nil {
		return ""
	}
	p := &c.probe
	return strings.Join([]string{p.URL, p.Dialect, p.Model, string(p.Via), fmt.Sprint(p.Shape.Input, " ", p.Shape.Output), string(p.Cache), p.Every.String()}, " ")
}

// restore takes what fits of a state.
func (k *book) restore(s state) {
	for i := range s.Tracks {
		one := &s.Tracks[i]
		if err := k.restoreTrack(one); err != nil {
			k.log.Warn("a detector begins anew", "source", string(one.Source), "probe", one.Probe, "model", one.Model, "indicator", string(one.Indicator), "err", err)
		}
	}
	for i := range s.Identities {
		one := &s.Identities[i]
		if err := k.restoreIdentity(one); err != nil {
			k.log.Warn("headway learns anew what is usual for a model", "source", string(one.Source), "probe", one.Probe, "model", one.Model, "err", err)
		}
	}
}

// restoreTrack finds the track of a saved one. A saved track whose probe or model is gone is
// nobody's.
func (k *book) restoreTrack(one *savedTrack) error {
	tracks := []*track(nil)
	switch c, t := k.canaries[one.Probe], k.production[one.Model]; {
	case one.Source == Canary && c != nil:
		if one.Of != k.sends(one.Probe) {
			return fmt.Errorf("%w: the probe sends something else now", drift.ErrOther)
		}
		if c.cell == nil && c.probe.Baseline == probe.Auto {
			c.again(one.Cell)
		}
		tracks = c.tracks
	case one.Source == Production && t != nil:
		tracks = t.tracks
	}
	for _, t := range tracks {
		if t.indicator != one.Indicator || t.detector == nil {
			continue
		}
		if t.cell != one.Cell {
			return fmt.Errorf("%w: it was compared with the cell %s", drift.ErrOther, one.Cell)
		}
		if err := t.detector.Restore(one.State); err != nil {
			return err
		}
		t.told = t.detector.Alarm()
	}
	return nil
}

// again compares with the cell that was the nearest before, if it is still there.
func (c *canary) again(id string) {
	for _, y := range c.book.yards[c.probe.Model] {
		for i := range y.cells {
			if y.cells[i].ID == id {
				c.compare(y, &y.cells[i])
				return
			}
		}
	}
}

func (k *book) restoreIdentity(one *savedIdentity) error {
	key := identityKey{one.Source, one.Probe, one.Model}
	every := k.sameness.Every
	if c := k.canaries[one.Probe]; one.Source == Canary {
		if c == nil {
			return nil
		}
		if one.Of != k.sends(one.Probe) {
			return fmt.Errorf("%w: the probe sends something else now", drift.ErrOther)
		}
		every = c.probe.Every
	}
	i := k.newIdentity(key, every)
	if i == nil || len(one.Names) != len(i.names) {
		return nil
	}
	var wrong []error
	for n, name := range one.Names {
		if name != nil && len(name.Known) <= mostNames {
			name.What, name.told = i.names[n].What, true
			i.names[n] = name
		}
	}
	for _, h := range i.habits {
		for n := range one.Habits {
			if one.Habits[n].Trait == h.trait.name {
				wrong = append(wrong, h.restore(key, &one.Habits[n]))
			}
		}
	}
	k.identities[key] = i
	return errors.Join(wrong...)
}

// restore takes a saved habit in place of its own. With an error it learns anew.
func (h *habit) restore(key identityKey, from *savedHabit) error {
	if u := from.Usual; u != nil {
		if len(u.Values) > mostUsual || u.Seen < len(u.Values) || slices.ContainsFunc(u.Values, func(v float64) bool { return !(v > 0) }) {
			return fmt.Errorf("%s: %d values of %d", h.trait.name, len(u.Values), u.Seen)
		}
		u.random = h.usual.random
		h.usual = u
		return nil
	}
	if !(from.Reference.Median > 0) {
		return fmt.Errorf("%s: the usual value is %v", h.trait.name, from.Reference.Median)
	}
	err := h.begin(from.Reference)
	if err == nil {
		err = errors.Join(h.more.Restore(from.More), h.less.Restore(from.Less))
	}
	if err != nil {
		*h = *newHabit(key, h.trait, h.settings)
		return fmt.Errorf("%s: %w", h.trait.name, err)
	}
	h.told = h.alarm()
	return nil
}
