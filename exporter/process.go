package exporter

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// process lists the instruments that read the running program.
func process() []Instrument {
	return slices.Concat(members(Traffic, []Instrument{
		{
			Name: "headway.requests_in_flight", Kind: Gauge, Unit: "{request}", Help: "Exchanges under way.",
			Read: inFlight(func(f exchange.InFlight) int { return f.Requests }),
		},
		{
			Name: "headway.streams_in_flight", Kind: Gauge, Unit: "{request}", Help: "Exchanges under way whose response streams.",
			Read: inFlight(func(f exchange.InFlight) int { return f.Streams }),
		},
		{
			Name: "headway.upstream.buffering", Kind: Gauge, Unit: "{share}", Read: buffering,
			Help: "Share of the streams of the last five to ten minutes whose gaps are those of a buffer between the model and headway: half of their content came in bursts.",
		},
	}), members(Process, []Instrument{
		{
			Name: "headway.decoder.detached", Kind: Counter, Unit: "{decoder}", Labels: []string{"reason"}, Read: byKey(detached),
			Help: "Decoders that were taken off their exchange, by reason. The exchange went on without one.",
		},
		{
			Name: "headway.export.dropped", Kind: Counter, Unit: "{record}", Labels: []string{"signal"}, Read: byKey(dropped),
			Help: "What was lost on its way out, by signal: exchanges (capture), spans (traces), data points (metrics), exchanges that metrics to be sent were not told of (exchanges), and those that were not held beside the load test (drift).",
		},
		{
			Name: "headway.export.queue", Kind: Gauge, Unit: "By", Labels: []string{"signal"}, Read: byKey(queued),
			Help: "What waits to be sent to the collector, in memory or in the spool, by signal.",
		},
		{
			Name: "headway.capture.reopened", Kind: Counter, Unit: "{file}", Read: captureReopened,
			Help: "Times that the capture file was opened anew, on SIGHUP or because somebody had renamed or removed it. Lines that were lost are in headway_export_dropped.",
		},
		{
			Name: "headway.connections", Kind: Counter, Unit: "{connection}", Labels: []string{"mode"}, Read: byKey(connections),
			Help: "Connections that were accepted, by how they reached headway.",
		},
	}), bounds(), members(Process, []Instrument{
		{
			Name: "headway.config.last_reload_successful", Kind: Gauge, Read: reloaded,
			Help: "1 while the newest content of every configuration file is in force, 0 while one was refused.",
		},
		{
			Name: "headway.build_info", Kind: Gauge, Labels: []string{"version", "revision", "goversion"}, Read: buildInfo,
			Help: "Always 1; its labels tell which program runs.",
		},
	}))
}

// bounds lists the instruments that tell how near the program is to what it bounds, and
// what it refused.
func bounds() []Instrument {
	return members(Process, []Instrument{
		{
			Name: "headway.series", Kind: Gauge, Unit: "{series}", Read: ofSeries(func(u SeriesUse) uint64 { return uint64(u.Present) }),
			Help: "Series of exchanges and chains that exist now; a histogram is one, whatever its buckets.",
		},
		{
			Name: "headway.series.limit", Kind: Gauge, Unit: "{series}", Read: ofSeries(func(u SeriesUse) uint64 { return uint64(u.Limit) }),
			Help: "Most series that may exist (HEADWAY_MAX_SERIES), those of _other included.",
		},
		{
			Name: "headway.series.folded", Kind: Counter, Unit: "{exchange}", Read: ofSeries(func(u SeriesUse) uint64 { return u.Folded }),
			Help: "Times that an exchange or chain counted in a series of _other because no place was left for its own.",
		},
		{
			Name: "headway.series.released", Kind: Counter, Unit: "{series}", Read: ofSeries(func(u SeriesUse) uint64 { return u.Released }),
			Help: "Series that ended because nobody used them for an hour and others needed the place.",
		},
		{
			Name: "headway.accept_waits", Kind: Counter, Unit: "{wait}", Read: acceptWaits,
			Help: "How often new clients had to wait, because as many connections were open as the limit of descriptors allows.",
		},
		{
			Name: "headway.loops", Kind: Counter, Unit: "{loop}", Read: loops,
			Help: "Requests and redirected connections that headway refused, because their upstream leads back to headway.",
		},
	})
}

// flightKey holds the bounded labels of exchanges under way.
type flightKey struct {
	operation       exchange.Operation
	model, upstream string
}

// inFlight adds up the numbers that pick finds, by bounded labels: several models or
// upstreams may share the label Other.
func inFlight(pick func(exchange.InFlight) int) func(*Live, *Names, Level) {
	return func(l *Live, names *Names, level Level) {
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
}

// buffering tells shares by bounded labels: several models or upstreams may share the
// label Other.
func buffering(l *Live, names *Names, level Level) {
	if l.Buffering == nil {
		return
	}
	sums := map[flightKey]exchange.Buffering{}
	for _, of := range l.Buffering() {
		key := flightKey{of.Operation, names.Model(of.Model), names.address(of.Upstream)}
		sum := sums[key]
		sum.Streams += of.Streams
		sum.Buffered += of.Buffered
		sums[key] = sum
	}
	for key, sum := range sums {
		level(float64(sum.Buffered)/float64(sum.Streams), string(key.operation), key.model, key.upstream)
	}
}

// byKey makes one level of every entry that count tells.
func byKey(count func(*Live) func() map[string]uint64) func(*Live, *Names, Level) {
	return func(l *Live, _ *Names, level Level) {
		tell := count(l)
		if tell == nil {
			return
		}
		for key, n := range tell() {
			level(float64(n), key)
		}
	}
}

func detached(l *Live) func() map[string]uint64    { return l.Detached }
func dropped(l *Live) func() map[string]uint64     { return l.Dropped }
func queued(l *Live) func() map[string]uint64      { return l.Queued }
func connections(l *Live) func() map[string]uint64 { return l.Connections }

// ofSeries makes one level of the number that pick finds.
func ofSeries(pick func(SeriesUse) uint64) func(*Live, *Names, Level) {
	return func(l *Live, _ *Names, level Level) {
		if l.Series != nil {
			level(float64(pick(l.Series())))
		}
	}
}

func captureReopened(l *Live, _ *Names, level Level) {
	if l.CaptureReopened != nil {
		level(float64(l.CaptureReopened()))
	}
}

func acceptWaits(l *Live, _ *Names, level Level) {
	if l.AcceptWaits != nil {
		level(float64(l.AcceptWaits()))
	}
}

func loops(l *Live, _ *Names, level Level) {
	if l.Loops != nil {
		level(float64(l.Loops()))
	}
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

func buildInfo(l *Live, _ *Names, level Level) {
	level(1, l.Build.Version, l.Build.Revision, l.Build.Go)
}
