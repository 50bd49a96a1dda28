package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
)

// sink is one series.
type sink interface {
	// observe adds samples, all of one exchange. It is false and adds nothing if the
	// series has ended.
	observe(samples exporter.Samples, m mark) bool
}

// family holds all series of one instrument. It is safe for concurrent use.
type family interface {
	// with returns the series of these label values, and makes it at first sight.
	with(values []string) sink
	// end ends the series of these label values, if there is one, with the next collect.
	end(values []string)
	// collect returns all series for a request, or nil if none has anything to tell.
	// Series that were to end have ended when it returns.
	collect() metricdata.Aggregation
}

// life is the part that series of all kinds have. Its mu guards the whole series, but for
// the attributes, which never change.
type life struct {
	attributes attribute.Set

	mu    sync.Mutex
	from  time.Time // it counts from here
	ends  bool      // with the next collection
	ended bool
}

func (l *life) self() *life { return l }

// stay keeps a series alive that was to end. It is false if the series has ended.
func (l *life) stay() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = false
	return !l.ended
}

func (l *life) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// member is a series of one kind.
type member interface {
	sink
	self() *life
}

// members holds the series of a family. A series begins when an exchange has samples for
// it, and ends when exporter.Names gives its place away. The next request has an ended
// series for the last time, with all its samples.
type members[S member] struct {
	labels []string
	empty  func() S // makes a series, while mu is held

	mu  sync.Mutex
	all map[string]S // by the values of their labels
}

func newMembers[S member](in *exporter.Instrument, empty func() S) members[S] {
	return members[S]{labels: in.AllLabels(), empty: empty, all: map[string]S{}}
}

// joined is a key of all. No label value has the byte between them, which is no UTF-8.
func joined(values []string) string { return strings.Join(values, "\xff") }

func (m *members[S]) with(values []string) sink {
	key := joined(values)
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.all[key]; ok && found.self().stay() {
		return found
	}
	made := m.empty()
	made.self().attributes, made.self().from = attributes(m.labels, values), time.Now()
	m.all[key] = made
	return made
}

func (m *members[S]) end(values []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.all[joined(values)]; ok {
		l := found.self()
		l.mu.Lock()
		l.ends = true
		l.mu.Unlock()
	}
}

// each calls begin while it holds mu. Then it calls take with one series after the other
// and the present moment, and holds the lock of that series only. At last it removes the
// series that were to end.
func (m *members[S]) each(begin func(), take func(one S, now time.Time)) {
	m.mu.Lock()
	begin()
	all := slices.Collect(maps.Values(m.all))
	m.mu.Unlock()
	now, over := time.Now(), false
	for _, one := range all {
		l := one.self()
		l.mu.Lock()
		take(one, now)
		l.ended = l.ends
		over = over || l.ended
		l.mu.Unlock()
	}
	if over {
		m.mu.Lock()
		maps.DeleteFunc(m.all, func(_ string, one S) bool { return one.self().isOver() })
		m.mu.Unlock()
	}
}
