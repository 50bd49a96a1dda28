package exporter_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestEveryRowOfTheTableIsComplete(t *testing.T) {
	for _, setting := range exporter.SemConvs() {
		t.Run(string(setting), func(t *testing.T) { checkRows(t, exporter.Table(setting)) })
	}
}

func checkRows(t *testing.T, rows []exporter.Instrument) {
	t.Helper()
	names := map[string]bool{}
	for _, in := range rows {
		t.Run(in.Name, func(t *testing.T) {
			if names[in.Name] {
				t.Error("the name is taken")
			}
			names[in.Name] = true
			if !strings.HasSuffix(in.Help, ".") {
				t.Errorf("help %q is no sentence", in.Help)
			}
			if flag := in.Kind == exporter.Gauge && in.Family == exporter.Process; in.Unit == "" && !flag {
				t.Error("no unit")
			}
			if drawn := in.Draw != nil || in.DrawChain != nil || in.DrawTurn != nil || in.DrawInterim != nil; drawn == (in.Read != nil) {
				t.Error("wants either to draw or Read")
			}
			if in.Read == nil && len(in.Labels) > len(exporter.Extra{}) {
				t.Errorf("%d labels of its own do not fit a sample", len(in.Labels))
			}
			all := in.AllLabels()
			slices.Sort(all)
			if len(slices.Compact(all)) != len(in.AllLabels()) {
				t.Errorf("labels %q repeat", in.AllLabels())
			}
			if (in.Kind == exporter.Histogram) != (len(in.Bounds) > 0) {
				t.Errorf("a %s with %d bounds", in.Kind, len(in.Bounds))
			}
			if (in.Kind == exporter.Histogram) != (in.Zero > 0) {
				t.Errorf("a %s whose zero bucket ends at %v", in.Kind, in.Zero)
			}
			if !slices.IsSorted(in.Bounds) {
				t.Error("bounds do not ascend")
			}
			for prefix, family := range map[string]exporter.Family{
				"gen_ai.client.": exporter.GenAIClient, "gen_ai.server.": exporter.GenAIServer, "headway.sealed.": exporter.Sealed,
			} {
				if has := strings.HasPrefix(in.Name, prefix); has != (in.Family == family) {
					t.Errorf("family %d", in.Family)
				}
			}
		})
	}
}

func TestBoundsResolveWhatUsersFeel(t *testing.T) {
	tests := []struct {
		name     string
		from, to float64 // seconds
		growth   float64 // largest step
	}{
		{"gen_ai.client.operation.time_to_first_chunk", .005, 60, 1.5},
		{"gen_ai.server.time_to_first_token", .005, 60, 1.5},
		{"gen_ai.client.operation.time_per_output_chunk", .0005, 2, 2},
		{"gen_ai.server.time_per_output_token", .0005, 2, 2},
		{"headway.inter_token_latency", .0005, 2, 2},
		{"headway.time_per_output_token", .0005, 2, 2},
	}
	for _, tt := range tests {
		bounds := instrument(t, tt.name).Bounds
		first, last := slices.Index(bounds, tt.from), slices.Index(bounds, tt.to)
		if first < 0 || last < 0 {
			t.Errorf("%s: %v or %v is no bound", tt.name, tt.from, tt.to)
			continue
		}
		for i := first; i < last; i++ {
			if step := bounds[i+1] / bounds[i]; step > tt.growth+1e-9 {
				t.Errorf("%s: step from %v to %v is %.2f", tt.name, bounds[i], bounds[i+1], step)
			}
		}
	}
}

// The conventions recommend these bounds; a query on one of them must fit headway.
func TestBoundsIncludeThoseOfTheConventions(t *testing.T) {
	operation := []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	recommended := map[string][]float64{
		"gen_ai.client.operation.duration":  operation,
		"gen_ai.server.request.duration":    operation,
		"gen_ai.client.token.usage":         {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864},
		"gen_ai.server.time_to_first_token": {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		"gen_ai.server.time_per_output_token": {
			.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5,
		},
	}
	for name, bounds := range recommended {
		have := instrument(t, name).Bounds
		for _, bound := range bounds {
			if !slices.Contains(have, bound) {
				t.Errorf("%s: %v is missing", name, bound)
			}
		}
	}
}

// full has a sample for every instrument that draws from such exchanges.
func full(origin exchange.Origin, role exchange.Role, mode exchange.Mode, operation exchange.Operation) exchange.Record {
	r := limited()
	r.Origin, r.Role, r.Mode, r.Operation = origin, role, mode, operation
	r.Overhead = exchange.Overhead{Request: ms}
	return r
}

// drawing names the instruments that have samples.
func drawing(d *exporter.Drawing) map[string]bool {
	table, out := exporter.Table(exporter.V141), map[string]bool{}
	d.Each(table, func(i int, _ exporter.Samples) { out[table[i].Name] = true })
	return out
}

func TestInstrumentsDrawFromExchangesOfTheirFamily(t *testing.T) {
	tests := []struct {
		name string
		in   exchange.Record
		want map[string]bool
	}{
		{
			"an exchange of an application", full(exchange.App, exchange.Client, exchange.Explicit, exchange.Chat),
			map[string]bool{
				"gen_ai.client.operation.duration": true, "gen_ai.server.request.duration": false,
				"headway.requests": true, "headway.time_per_output_token": true, "headway.proxy.overhead": true, "headway.probe.duration": false,
				"headway.build_info": false,
			},
		},
		{
			"an exchange of a model server", full(exchange.App, exchange.Server, exchange.Explicit, exchange.Chat),
			map[string]bool{
				"gen_ai.client.operation.duration": false, "gen_ai.server.request.duration": true,
				"headway.requests": true, "headway.time_per_output_token": false,
			},
		},
		{
			"an exchange of no known dialect", full(exchange.App, exchange.Client, exchange.Explicit, ""),
			map[string]bool{"gen_ai.client.operation.duration": false, "headway.requests": true},
		},
		{
			"an exchange inside TLS", full(exchange.App, exchange.Client, exchange.Sealed, exchange.Chat),
			map[string]bool{
				"gen_ai.client.operation.duration": false, "headway.requests": false, "headway.proxy.overhead": false,
				"headway.time_per_output_token": false, "headway.sealed.requests": true,
			},
		},
		{
			"a connection that was upgraded", full(exchange.App, exchange.Client, exchange.Upgraded, exchange.Chat),
			map[string]bool{
				"gen_ai.client.operation.duration": false, "headway.requests": false, "headway.tokens": false, "headway.stall": false,
				"headway.proxy.overhead": false, "headway.sealed.requests": false,
			},
		},
		{
			"a canary inside TLS", full(exchange.Canary, exchange.Client, exchange.Sealed, ""),
			map[string]bool{"headway.sealed.requests": false, "headway.ratelimit.limit": false},
		},
		{
			"a canary past the proxy", full(exchange.Canary, exchange.Client, exchange.Direct, exchange.Chat),
			map[string]bool{"headway.requests": false, "headway.proxy.overhead": false, "headway.ratelimit.remaining": true, "headway.probe.duration": true},
		},
		{
			"a canary", full(exchange.Canary, exchange.Client, exchange.Explicit, exchange.Chat),
			map[string]bool{
				"gen_ai.client.operation.duration": false, "headway.requests": false, "headway.tokens": false,
				"headway.inter_token_latency": false, "headway.time_per_output_token": false, "headway.sealed.requests": false, "headway.ratelimit.remaining": true, "headway.proxy.overhead": true,
				"headway.probe.duration": true, "headway.probe.time_to_first_token": true, "headway.probe.time_per_output_token": true,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d exporter.Drawing
			d.Exchange(&tt.in, exporter.NewNames(1, 64))
			draws := drawing(&d)
			for name, want := range tt.want {
				if instrument(t, name); draws[name] != want {
					t.Errorf("%s draws from it: %v", name, !want)
				}
			}
		})
	}
}

func instrument(t *testing.T, name string) *exporter.Instrument {
	t.Helper()
	return instrumentOf(t, exporter.V141, name)
}

func instrumentOf(t *testing.T, setting exporter.SemConv, name string) *exporter.Instrument {
	t.Helper()
	for _, in := range exporter.Table(setting) {
		if in.Name == name {
			return &in
		}
	}
	t.Fatalf("no instrument %s", name)
	return nil
}
