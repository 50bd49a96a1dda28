package exporter_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestInstrumentsReadTheRunningProgram(t *testing.T) {
	live := exporter.Live{
		Build: exporter.Build{Version: "1.0", Revision: "abc", Go: "go1.26"},
		InFlight: func() []exchange.InFlight {
			return []exchange.InFlight{
				{Operation: exchange.Chat, Model: "a", Upstream: "u:1", Requests: 3, Streams: 2},
				{Operation: exchange.Chat, Model: "b", Upstream: "u:1", Requests: 4, Streams: 1},
				{Operation: exchange.Chat, Model: "c", Upstream: "u:1", Requests: 5},
				{Upstream: "u:1", Requests: 1},
			}
		},
		Buffering: func() []exchange.Buffering {
			return []exchange.Buffering{
				{Operation: exchange.Chat, Model: "a", Upstream: "u:1", Streams: 4, Buffered: 1},
				{Operation: exchange.Chat, Model: "b", Upstream: "u:1", Streams: 3, Buffered: 3},
				{Operation: exchange.Chat, Model: "c", Upstream: "u:1", Streams: 1, Buffered: 0},
			}
		},
		Connections: func() map[string]uint64 { return map[string]uint64{"explicit": 7} },
		Detached:    func() map[string]uint64 { return map[string]uint64{"panic": 0, "slow": 2} },
		Queued:      func() map[string]uint64 { return map[string]uint64{"traces": 7} },
		Dropped:     func() map[string]uint64 { return map[string]uint64{"capture": 1} },
		Series:      func() exporter.SeriesUse { return exporter.SeriesUse{Present: 9, Limit: 10, Folded: 3, Released: 4} },

		CaptureReopened: func() uint64 { return 8 },

		ChainsOpen:    func() int { return 5 },
		ChainsEvicted: func() uint64 { return 2 },
		AcceptWaits:   func() uint64 { return 6 },
		Drift: func() []exporter.Drift {
			return []exporter.Drift{
				{Source: "canary", Probe: "chat", Model: "a", Indicator: "ttft", Compared: true, Ratio: 1.31, ReturnPeriod: 90, Alarm: true},
				{Source: "production", Model: "a", Indicator: "e2e"},
			}
		},
		Tested: func() []exporter.Tested {
			return []exporter.Tested{{Cell: "a/c4", Indicator: "ttft", Share: .95, Seconds: .6}}
		},
		Headroom: func() []exporter.Headroom { return []exporter.Headroom{{Model: "a", SLO: "s", Ratio: 2}} },
		Scaling: func() []exporter.Scaling {
			return []exporter.Scaling{{Model: "a", Ratio: 1.5}, {Model: "b", Ratio: .2}, {Model: "c", Ratio: .7}}
		},
		Loops: func() uint64 { return 9 },
	}
	tests := map[string]map[string]float64{
		"headway.requests_in_flight":  {"chat a u:1": 3, "chat _other u:1": 9, "_other  u:1": 1},
		"headway.streams_in_flight":   {"chat a u:1": 2, "chat _other u:1": 1, "_other  u:1": 0},
		"headway.upstream.buffering":  {"chat a u:1": .25, "chat _other u:1": .75},
		"headway.connections":         {"explicit": 7},
		"headway.decoder.detached":    {"panic": 0, "slow": 2},
		"headway.export.dropped":      {"capture": 1},
		"headway.export.queue":        {"traces": 7},
		"headway.capture.reopened":    {"": 8},
		"headway.series":              {"": 9},
		"headway.series.limit":        {"": 10},
		"headway.series.folded":       {"": 3},
		"headway.series.released":     {"": 4},
		"headway.chains_open":         {"": 5},
		"headway.chain.evicted":       {"": 2},
		"headway.accept_waits":        {"": 6},
		"headway.drift":               {"canary chat a ttft": 1.31},
		"headway.drift.return_period": {"canary chat a ttft": 90, "production  a e2e": 0},
		"headway.drift.alarm":         {"canary chat a ttft": 1, "production  a e2e": 0},
		"headway.baseline":            {"a/c4 ttft 95": .6},
		"headway.capacity.headroom":   {"a s": 2},
		"headway.scaling.signal":      {"a": 1.5, "_other": .7},
		"headway.loops":               {"": 9},
		"headway.build_info":          {"1.0 abc go1.26": 1},
	}
	for name, want := range tests {
		if got := levels(t, name, &live); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestAProgramWithoutSourcesHasNoLevels(t *testing.T) {
	for _, in := range exporter.Table(exporter.V141) {
		if in.Read == nil || in.Name == "headway.build_info" {
			continue
		}
		if got := levels(t, in.Name, &exporter.Live{}); len(got) != 0 {
			t.Errorf("%s reads %v", in.Name, got)
		}
	}
}

// levels reads one instrument, by its labels joined; one model gets a label.
func levels(t *testing.T, name string, live *exporter.Live) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	in := instrument(t, name)
	names := exporter.NewNames(1, 64)
	names.ClaimModel("a")
	names.ClaimUpstream(exchange.Upstream{Host: "u", Port: 1})
	in.Read(live, names, func(value float64, labels ...string) {
		if len(labels) != len(in.AllLabels()) {
			t.Errorf("%s: %d values for labels %q", name, len(labels), in.AllLabels())
		}
		got[strings.Join(labels, " ")] = value
	})
	return got
}
