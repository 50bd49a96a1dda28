package drift

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"time"
)

// stateSchema names the format of a saved state.
const stateSchema = "headway-drift/v1"

// state is what survives a restart. The same state gives the same bytes.
type state struct {
	Schema    string       `json:"schema"`
	Reference string       `json:"reference"` // what it was compared with
	Settings  Settings     `json:"settings"`
	Seen      int64        `json:"seen"`
	Alarm     bool         `json:"alarm"`
	Bets      []savedBet   `json:"bets"`
	Ratios    []byte       `json:"ratios"` // float32, little-endian
	First     int64        `json:"first"`
	Learning  *savedLesson `json:"learning,omitempty"`
	Habits    *Habits      `json:"habits,omitempty"`
}

type savedBet struct {
	Sum   float64   `json:"sum"`
	CUSUM float64   `json:"cusum"`
	Since time.Time `json:"since"`
	First int64     `json:"first"`
}

type savedLesson struct {
	Started time.Time `json:"started"`
	Hours   []int     `json:"hours"`
	Values  []byte    `json:"values"` // int16, little-endian
}

// ErrOther says that a state was saved with another load test, other settings or another
// version of headway. Whoever gets it begins anew.
var ErrOther = errors.New("the saved state does not fit")

// Save returns the state. Requests of a block that is not over are not in it.
func (d *Detector) Save() ([]byte, error) {
	return save(d.reference.fingerprint(), &d.training, &d.evidence, &d.ratios)
}

// Restore takes a saved state in place of its own. With an error it changes nothing. The
// error is ErrOther unless text is damaged.
func (d *Detector) Restore(text []byte) error {
	if err := restore(text, d.reference.fingerprint(), &d.training, &d.evidence, &d.ratios); err != nil {
		return err
	}
	d.weigh()
	return nil
}

// Save returns the state.
func (w *Witness) Save() ([]byte, error) {
	return save(production, &w.training, &w.evidence, &w.ratios)
}

// Restore takes a saved state in place of its own, as Detector.Restore does.
func (w *Witness) Restore(text []byte) error {
	if err := restore(text, production, &w.training, &w.evidence, &w.ratios); err != nil {
		return err
	}
	w.weigh()
	return nil
}

const production = "production"

// fingerprint tells two references apart.
func (r *Reference) fingerprint() string {
	sum := fnv.New64a()
	add := func(x float64) { _ = binary.Write(sum, binary.LittleEndian, x) } // a hash never fails
	add(r.failures)
	for _, p := range r.points {
		add(p.p)
		add(p.y)
	}
	return strconv.FormatUint(sum.Sum64(), 16)
}

func save(reference string, t *training, e *evidence, ratios *window) ([]byte, error) {
	s := state{
		Schema: stateSchema, Reference: reference, Settings: t.asked,
		Seen: e.seen, Alarm: e.alarm, First: ratios.first, Habits: t.habits,
	}
	for _, b := range e.bets {
		s.Bets = append(s.Bets, savedBet{b.sum, b.cusum, b.since.UTC(), b.first})
	}
	for _, v := range ratios.values {
		s.Ratios = binary.LittleEndian.AppendUint32(s.Ratios, math.Float32bits(v))
	}
	if l := t.learning; l != nil {
		s.Learning = &savedLesson{Started: l.started.UTC(), Hours: l.hours}
		for _, v := range l.values {
			s.Learning.Values = binary.LittleEndian.AppendUint16(s.Learning.Values, uint16(v))
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("saving the state of a detector: %w", err)
	}
	return text, nil
}

func restore(text []byte, reference string, t *training, e *evidence, ratios *window) error {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("reading the state of a detector: %w", err)
	}
	switch {
	case s.Schema != stateSchema:
		return fmt.Errorf("%w: its schema is %q; want %q", ErrOther, s.Schema, stateSchema)
	case s.Reference != reference:
		return fmt.Errorf("%w: it was compared with another load test", ErrOther)
	case !s.Settings.same(t.asked) || len(s.Bets) != len(e.bets):
		return fmt.Errorf("%w: it has other settings", ErrOther)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("reading the state of a detector: %w", err)
	}
	fresh := newTraining(t.asked)
	s.restoreTraining(&fresh)
	*t = fresh
	e.seen, e.alarm = s.Seen, s.Alarm
	for i, b := range s.Bets {
		e.bets[i] = bet{b.Sum, b.CUSUM, b.Since, b.First}
	}
	*ratios = newWindow()
	ratios.first = s.First
	for at := 0; at < len(s.Ratios); at += 4 {
		ratios.values = append(ratios.values, math.Float32frombits(binary.LittleEndian.Uint32(s.Ratios[at:])))
	}
	return nil
}

func (s *state) restoreTraining(t *training) {
	if s.Habits != nil {
		t.adopt(*s.Habits)
		return
	}
	if s.Learning == nil || t.learning == nil {
		return
	}
	l := t.learning
	l.started = s.Learning.Started
	l.hours = append(l.hours, s.Learning.Hours...)
	for at := 0; at < len(s.Learning.Values); at += 2 {
		l.values = append(l.values, int16(binary.LittleEndian.Uint16(s.Learning.Values[at:])))
	}
}

// check refuses numbers that no detector has.
func (s *state) check() error {
	for _, b := range s.Bets {
		if !(b.Sum >= 0 && b.Sum <= 10*s.Settings.level()) || !(b.CUSUM >= 0) || b.First < 0 || b.First > s.Seen {
			return fmt.Errorf("a bet has sum %v, cusum %v and first %d", b.Sum, b.CUSUM, b.First)
		}
	}
	if len(s.Ratios)%4 != 0 || len(s.Ratios)/4 > windowSize || s.First < 0 || s.First+int64(len(s.Ratios)/4) != s.Seen {
		return fmt.Errorf("%d bytes of ratios from observation %d of %d on", len(s.Ratios), s.First, s.Seen)
	}
	if h := s.Habits; h != nil && !(h.Likeness >= 0 && h.Likeness <= 0.9 && h.Swing >= 0 && h.Swing <= math.MaxFloat64) {
		return fmt.Errorf("habits with likeness %v and swing %v", h.Likeness, h.Swing)
	}
	return s.Learning.check(s.Settings)
}

func (l *savedLesson) check(s Settings) error {
	if l == nil {
		return nil
	}
	room := newLearning(s)
	if room == nil || len(l.Values)%2 != 0 || len(l.Values)/2 > cap(room.values) || len(l.Hours) > cap(room.hours) {
		return fmt.Errorf("%d bytes learnt in %d hours", len(l.Values), len(l.Hours))
	}
	last := 0
	for _, start := range l.Hours {
		if start < last || start > len(l.Values)/2 {
			return fmt.Errorf("an hour that begins at value %d of %d", start, len(l.Values)/2)
		}
		last = start
	}
	return nil
}
