package watch

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// book holds every detector of one baseline and one list of probes.
type book struct {
	log        *slog.Logger
	cells      []baseline.Cell
	yards      map[string][]*yardstick // by model
	models     []string                // of the baseline and the probes
	canaries   map[string]*canary      // by probe
	production map[string]*traffic     // by model of the baseline
	identities map[identityKey]*identity
	settings   drift.Settings // of the latencies; Sharing is set
	sameness   drift.Settings // of the identities; Sharing is set
}

// strangers is the number of models, beside those of the baseline and the probes, whose
// identity is watched in production.
const strangers = 4

func newBook(b baseline.Baseline, probes []probe.Probe, settings drift.Settings, log *slog.Logger) *book {
	k := &book{
		log: log, cells: b.Cells, yards: yardsticks(b), canaries: map[string]*canary{}, production: map[string]*traffic{},
		identities: map[identityKey]*identity{}, settings: settings, sameness: settings,
	}
	names := map[string]bool{}
	for _, p := range probes {
		names[p.Model] = true
	}
	for model := range k.yards {
		names[model] = true
	}
	k.models = slices.Sorted(maps.Keys(names))
	parts := SharingOf(b, probes)
	k.settings.Sharing, k.sameness.Sharing = parts.Latencies, parts.Traits
	for _, p := range probes {
		k.canaries[p.Name] = newCanary(p, k)
	}
	for model, all := range k.yards {
		k.production[model] = newTraffic(model, widest(all), k.settings)
	}
	return k
}

// run takes a canary.
func (k *book) run(e *event) {
	c := k.canaries[e.probe]
	if c == nil {
		return // its probe left the file meanwhile
	}
	c.observe(e)
	k.tell(c.tracks, e.end)
	if e.outcome == probe.OK {
		k.identify(identityKey{Canary, e.probe, e.model}, c.probe.Every, e)
	}
}

// request takes an exchange of production under so much load.
func (k *book) request(e *event, load float64) {
	name := e.model
	if k.production[name] == nil && k.production[e.answered] != nil {
		name = e.answered
	}
	if t := k.production[name]; t != nil {
		t.observe(e, load)
		k.tell(t.tracks, e.end)
	}
	k.identify(identityKey{Production, "", e.model}, 0, e)
}

// elapse ends the blocks of production whose time is over.
func (k *book) elapse(now time.Time) {
	for _, t := range k.production {
		for _, one := range t.tracks {
			one.elapse(now)
		}
		k.tell(t.tracks, now)
	}
	for _, i := range k.identities {
		i.elapse(now)
		i.tell(k.log, now)
	}
}

// identify takes what an answer says about its model.
func (k *book) identify(key identityKey, every time.Duration, e *event) {
	i := k.identities[key]
	if i == nil {
		if i = k.newIdentity(key, every); i == nil {
			return
		}
		k.identities[key] = i
	}
	i.observe(e)
	i.tell(k.log, e.end)
}

// newIdentity returns nil for a model of production for which there is no room.
func (k *book) newIdentity(key identityKey, every time.Duration) *identity {
	if _, known := slices.BinarySearch(k.models, key.model); !known && key.source == Production {
		others := 0
		for other := range k.identities {
			if _, known := slices.BinarySearch(k.models, other.model); !known && other.source == Production {
				others++
			}
		}
		if others >= strangers {
			return nil
		}
	}
	settings := k.sameness
	if every > 0 {
		settings.Every = every
	}
	return newIdentity(key, settings)
}

// tell logs alarms that began or ended.
func (k *book) tell(tracks []*track, now time.Time) {
	for _, t := range tracks {
		if t.detector == nil || t.detector.Alarm() == t.told {
			continue
		}
		t.told = !t.told
		f := t.finding(now)
		at := []any{"source", string(t.source), "model", t.model, "indicator", string(t.indicator)}
		if t.probe != "" {
			at = append(at, "probe", t.probe)
		}
		if t.told {
			k.log.Warn("slower than the load test: "+f.Sentence, at...)
		} else {
			k.log.Info("as fast as the load test again: "+f.Sentence, at...)
		}
	}
}
