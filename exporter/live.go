package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Live tells about the running program: everything that no Record holds. A nil function
// leaves its instruments without a value. Every function is safe for concurrent use and
// quick, because every scrape calls it.
type Live struct {
	Build Build

	// InFlight counts the exchanges under way, with one entry for each combination of
	// operation, model and upstream.
	InFlight func() []exchange.InFlight
	// Silent counts the open streams that bring no content, with one entry for each
	// combination of operation, model, upstream and phase.
	Silent func() []exchange.Silent
	// Buffering counts the streams that ended in the last minutes, with one entry for each
	// combination of operation, model and upstream.
	Buffering func() []exchange.Buffering
	// Connections counts the accepted connections by mode. Detached counts the decoders
	// that the tap took off their exchange, by reason. Dropped counts the items that an
	// exporter lost, by signal (capture, say). None of these counts ever falls. A key
	// with 0 is exported as 0.
	Connections func() map[string]uint64
	Detached    func() map[string]uint64
	Dropped     func() map[string]uint64
	// AcceptWaits counts how often a listener waited, because as many client connections
	// were open as descriptors allow.
	AcceptWaits func() uint64
	// Loops counts the requests and connections that headway refused because they had come
	// back to it.
	Loops func() uint64
	// Queued tells how many bytes wait to be sent, by signal.
	Queued func() map[string]uint64
	// CaptureReopened counts how often the capture's file was opened anew.
	CaptureReopened func() uint64
	// ChainsOpen tells how many chains may still go on. ChainsEvicted counts the chains
	// that were closed before their time because there was no room for more.
	ChainsOpen    func() int
	ChainsEvicted func() uint64
	// TurnsOpen tells how many turns are not over. TurnsEvicted counts those that were ended
	// before their time because there was no room for more, and NamesShared the names of
	// sessions that are those of many.
	TurnsOpen    func() int
	TurnsEvicted func() uint64
	NamesShared  func() uint64
	// Series tells how many series there are.
	Series func() SeriesUse
	// SLOs lists the SLOs in force, each name once.
	SLOs func() []SLO
	// Drift lists what the detectors find, Tested the percentiles of the load test, and
	// Headroom the room of each model and SLO. Each combination of labels comes once.
	Drift    func() []Drift
	Tested   func() []Tested
	Headroom func() []Headroom
	// Scaling lists the number to scale on of each model.
	Scaling func() []Scaling
	// ProbeRuns counts the runs of probes, those included that sent nothing. ProbeSuccesses
	// tells when each probe last had an answer.
	ProbeRuns      func() []ProbeRuns
	ProbeSuccesses func() []ProbeSuccess
	// ProbeLeader says whether this process sends the canaries of its fleet.
	ProbeLeader func() bool
	// Reloaded says whether the newest configuration files are in force.
	Reloaded func() bool
}

// Build names the running program.
type Build struct {
	Version  string
	Revision string // commit
	Date     string // of the commit, in RFC 3339; empty when the build does not know it
	Go       string // version of the toolchain
}
