package pause_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/pause"
)

var zero = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// moment is so many milliseconds after a second, which no stream has seen.
func moment(ms int) time.Duration { return time.Second + time.Duration(ms)*time.Millisecond }

// stream is the moments of the chunks of a stream, in ms, and when it ended; 0 is never.
type stream struct {
	chunks []int
	end    int
}

// every returns a stream with a chunk each step from begin until end, that stops in the pauses:
// each begins behind the chunk at its first moment, and ends with that at its second.
func every(step, begin, end int, pauses ...[2]int) stream {
	var s stream
	for ms := begin; ms <= end; ms += step {
		s.chunks = append(s.chunks, ms)
		for _, p := range pauses {
			if ms >= p[0] && ms < p[1] {
				ms = p[1] - step
			}
		}
	}
	return s
}

// ending is s that ended at a moment.
func (s stream) ending(ms int) stream {
	s.end = ms
	return s
}

// flow is s at the moment now, as the tap tells it; false if it is not open or has no content.
func (s stream) flow(now int) (f exchange.Flow, open bool) {
	for _, ms := range s.chunks {
		if ms > now {
			break
		}
		at := moment(ms)
		if f.Chunks++; f.Chunks == 1 {
			f.First = at
		} else if at-f.Last >= exchange.StallFrom {
			f.From, f.To = f.Last, at
		}
		f.Last = at
	}
	return f, f.Chunks > 0 && (s.end == 0 || now < s.end)
}

// flowing is an engine with such streams.
func flowing(model string, streams ...exchange.Flow) exchange.EngineFlow {
	return exchange.EngineFlow{Operation: exchange.Chat, Model: model, Upstream: exchange.Upstream{Host: "engine", Port: 8000}, Streams: streams}
}

// looks looks at streams every two seconds, and returns the pauses that it found.
func looks(d *pause.Detector, streams []stream, from, to int) (found []string) {
	for now := from; now <= to; now += 2000 {
		var flows []exchange.Flow
		for _, s := range streams {
			if f, open := s.flow(now); open {
				flows = append(flows, f)
			}
		}
		var engines []exchange.EngineFlow
		if len(flows) > 0 {
			engines = append(engines, flowing("m", flows...))
		}
		for _, over := range d.Look(moment(now), engines) {
			found = append(found, over.Pause.String())
		}
	}
	return found
}

// of returns n streams like s.
func of(n int, s stream) []stream { return slices.Repeat([]stream{s}, n) }

func TestWhosePause(t *testing.T) {
	steady := every(50, 0, 60_000)
	paused := every(50, 0, 60_000, [2]int{10_000, 15_000})
	staggered := func() (all []stream) {
		for i := range 8 {
			all = append(all, every(50, 0, 60_000, [2]int{10_000 + 1500*i, 13_000 + 1500*i}))
		}
		return all
	}
	for _, tt := range []struct {
		name string
		in   []stream
		want string
	}{
		{"all streams stop and go on", of(4, paused), "5s"},
		{"one of four", append(of(3, steady), paused), ""},
		{"all of two, which are too few", of(2, paused), ""},
		{"half of them", append(of(3, steady), of(3, paused)...), ""},
		{"more than half", append(of(2, steady), of(3, paused)...), "5s"},
		{"between two looks", of(4, every(50, 0, 60_000, [2]int{10_100, 11_300})), "1.2s"},
		{"a model that takes longer for each token", of(4, every(1200, 0, 60_000)), ""},
		{"such a model that pauses", of(4, every(1200, 0, 60_000, [2]int{24_000, 36_000})), "12s"},
		{"one stream after the other", staggered(), ""},
		{"twice", of(4, every(50, 0, 60_000, [2]int{10_000, 13_000}, [2]int{20_000, 24_000})), "3s, 4s"},
		{"others begin meanwhile", append(of(3, paused), of(5, every(50, 11_000, 60_000))...), "5s"},
		{"one was silent before", append(of(3, paused), every(50, 0, 60_000, [2]int{2_000, 50_000})), "5s"},
		{"one goes on later", append(of(3, paused), every(50, 0, 60_000, [2]int{10_000, 30_000})), "5s"},
		{"all are left while it lasts", of(4, every(50, 0, 60_000, [2]int{10_000, 60_000}).ending(20_500)), "12s"}, // as far as the next look tells
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(looks(pause.New(zero), tt.in, 0, 60_000), ", "); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// While headway was stopped itself, all streams have a gap, and it is nobody else's.
func TestOwnStopIsNoPause(t *testing.T) {
	d, streams := pause.New(zero), of(4, every(50, 0, 60_000, [2]int{10_000, 15_000}))
	found := append(looks(d, streams, 0, 10_000), looks(d, streams, 15_100, 40_100)...)
	if len(found) != 0 {
		t.Errorf("found %q", found)
	}
}

// Engines have pauses of their own.
func TestEnginesAreApart(t *testing.T) {
	d, s := pause.New(zero), every(50, 0, 60_000, [2]int{10_000, 15_000})
	var found []exchange.Interim
	for now := 0; now <= 20_000; now += 2000 {
		f, _ := s.flow(now)
		found = append(found, d.Look(moment(now), []exchange.EngineFlow{flowing("a", f, f), flowing("b", f, f)})...)
	}
	if len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

// A Record has the pauses of its engine that its content met, over or not.
func TestRecordsHaveThePausesOfTheirEngine(t *testing.T) {
	d, streams := pause.New(zero), of(4, every(50, 0, 60_000, [2]int{10_000, 15_000}, [2]int{30_000, 40_000}))
	looks(d, streams, 0, 33_000)
	record := func(start, first, end int) *exchange.Record {
		r := &exchange.Record{Start: zero.Add(moment(start)), Stream: true, Model: exchange.Model{Request: "m"}, Upstream: exchange.Upstream{Host: "engine", Port: 8000}}
		r.Timing.FirstToken, r.Timing.End = time.Duration(first-start)*time.Millisecond, time.Duration(end-start)*time.Millisecond
		return r
	}
	for _, tt := range []struct {
		name string
		in   *exchange.Record
		want string
	}{
		{"from before to after", record(2_000, 3_000, 20_000), "5s at 8s"},
		{"both, the second not over", record(0, 100, 33_000), "5s at 10s, 3s at 30s"},
		{"it began in it", record(9_000, 12_000, 20_000), "3s at 3s"},
		{"it was over before", record(0, 1_000, 9_000), ""},
		{"no token came", record(2_000, 2_000, 20_000), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range d.Of(tt.in) {
				got = append(got, fmt.Sprintf("%v at %v", p.Wait, p.At))
			}
			if text := strings.Join(got, ", "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
	other := record(2_000, 3_000, 20_000)
	other.Model.Request = "another"
	if got := d.Of(other); got != nil {
		t.Errorf("another model has %+v", got)
	}
}

// BenchmarkLook judges 10,000 streams of which three wait.
func BenchmarkLook(b *testing.B) {
	d := pause.New(zero)
	steady, _ := every(50, 0, 20_000).flow(20_000)
	waiting, _ := every(50, 0, 18_000).flow(20_000)
	flows := []exchange.EngineFlow{flowing("m", append(slices.Repeat([]exchange.Flow{steady}, 9_997), waiting, waiting, waiting)...)}
	b.ReportAllocs()
	for b.Loop() {
		d.Look(moment(20_000), flows)
	}
}
