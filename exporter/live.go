package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Live is the running program as far as no Record tells of it. A nil function
// leaves its instruments without a value. All of them are safe for concurrent use
// and quick: they are called for every scrape.
type Live struct {
	Build Build

	// InFlight lists what is under way, one entry for each combination.
	InFlight func() []exchange.InFlight
	// Connections counts the accepted connections by mode, Detached the decoders
	// taken off their exchange by reason, and Dropped what was lost on its way out
	// by signal (capture, say). They never fall. A key that is there with 0 is
	// exported as 0.
	Connections func() map[string]uint64
	Detached    func() map[string]uint64
	Dropped     func() map[string]uint64
	// Queued is how many bytes wait to go out, by signal.
	Queued func() map[string]uint64
	// ChainsOpen is how many chains may still be continued, ChainsEvicted how many
	// were closed before their time for want of room.
	ChainsOpen    func() int
	ChainsEvicted func() uint64
	// SLOs lists what is judged by, each name once.
	SLOs func() []SLO
	// Reloaded tells whether the newest configuration files are in force.
	Reloaded func() bool
}

// Build says which program runs.
type Build struct {
	Version  string
	Revision string // commit
	Go       string // version of the toolchain
}

type flightKey struct {
	operation       exchange.Operation
	model, upstream string
}

// inFlight adds up what pick counts, by bounded labels: several models or upstreams may share
// the label Other.
func (l *Live) inFlight(names *Names, pick func(exchange.InFlight) int, level Level) {
	if l.InFlight == nil {
		return
	}
	sums := map[flightKey]int{}
	for _, f := range l.InFlight() {
		key := flightKey{f.Operation, names.Model(f.Model), names.address(f.Upstream)}
		if key.operation == "" {
			key.operation = Other
		}
		sums[key] += pick(f)
	}
	for key, n := range sums {
		level(float64(n), string(key.operation), key.model, key.upstream)
	}
}

func requestsInFlight(l *Live, names *Names, level Level) {
	l.inFlight(names, func(f exchange.InFlight) int { return f.Requests }, level)
}

func streamsInFlight(l *Live, names *Names, level Level) {
	l.inFlight(names, func(f exchange.InFlight) int { return f.Streams }, level)
}

func connections(l *Live, _ *Names, level Level) { counts(l.Connections, level) }
func detached(l *Live, _ *Names, level Level)    { counts(l.Detached, level) }
func dropped(l *Live, _ *Names, level Level)     { counts(l.Dropped, level) }
func queued(l *Live, _ *Names, level Level)      { counts(l.Queued, level) }

func counts(of func() map[string]uint64, level Level) {
	if of == nil {
		return
	}
	for key, n := range of() {
		level(float64(n), key)
	}
}

func buildInfo(l *Live, _ *Names, level Level) {
	level(1, l.Build.Version, l.Build.Revision, l.Build.Go)
}

func reloaded(l *Live, _ *Names, level Level) {
	if l.Reloaded == nil {
		return
	}
	if l.Reloaded() {
		level(1)
	} else {
		level(0)
	}
}
