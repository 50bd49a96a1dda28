package tap_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const second = time.Second

// beginStream begins a stream whose request the upstream has, and the head of whose response
// came.
func beginStream(of *tap.Tap) *tap.Exchange { return beginStreamAt(of, tap.Now()) }

// beginStreamAt is beginStream with the moment at which the relay had read the request.
func beginStreamAt(of *tap.Tap, at tap.Instant) *tap.Exchange {
	r := chat()
	r.Read = at
	x := of.Begin(r)
	x.RequestBody([]byte(`{"model":"m","stream":true}`))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
	return x
}

// look tells what is new, as somebody does who comes every InterimsEvery.
func look(of *tap.Tap) (all []string) {
	for _, i := range of.AppendInterims(nil) {
		all = append(all, describeInterim(&i))
	}
	return all
}

func describeInterim(i *exchange.Interim) string {
	if i.Tokens > 0 {
		return fmt.Sprintf("%d tokens", i.Tokens)
	}
	return describeEpisode(&i.Episode)
}

func describeEpisode(e *exchange.Episode) string {
	return fmt.Sprintf("%s %s after %v", e.Phase, e.Ended, e.Wait().Round(time.Millisecond))
}

// watchFor lets d pass, and looks meanwhile.
func watchFor(of *tap.Tap, d time.Duration) (all []string) {
	for ; d >= tap.InterimsEvery; d -= tap.InterimsEvery {
		time.Sleep(tap.InterimsEvery)
		all = append(all, look(of)...)
	}
	time.Sleep(d)
	return all
}

// counts tells how many streams are silent in phase, by age.
func counts(t *testing.T, of *tap.Tap, phase exchange.EpisodePhase) [4]int {
	t.Helper()
	for _, s := range of.Silent() {
		if s.Phase == phase && s.Model == "m" && s.Operation == exchange.Chat && s.Upstream == "model:8000" {
			return s.For
		}
	}
	t.Fatalf("nobody tells of the phase %s", phase)
	return [4]int{}
}

// A stream pauses for six minutes, with pings that end nothing, and goes on.
func TestSilentStreamIsSeenWhileItIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, sink := newTap()
		x := beginStream(of)
		time.Sleep(second)
		chunk(x, event)
		for _, step := range []struct {
			wait time.Duration
			want [4]int
		}{
			{9 * second, [4]int{}},
			{second, [4]int{1}},
			{20 * second, [4]int{1, 1}},
			{30 * second, [4]int{1, 1, 1}},
			{240 * second, [4]int{1, 1, 1, 1}},
		} {
			watchFor(of, step.wait)
			chunk(x, ": ping\n\n")
			if got := counts(t, of, exchange.MidStream); got != step.want {
				t.Errorf("after %v more it counts at %v, want %v", step.wait, got, step.want)
			}
			if got := counts(t, of, exchange.BeforeFirstToken); got != ([4]int{}) {
				t.Errorf("before the first token it counts at %v", got)
			}
		}
		if told := watchFor(of, 60*second); len(told) != 0 {
			t.Errorf("while it is silent it told %q", told)
		}
		chunk(x, event)
		time.Sleep(second)
		if got := counts(t, of, exchange.MidStream); got != ([4]int{1, 1, 1, 1}) && got != ([4]int{}) {
			t.Errorf("resumed, it counts at %v", got)
		}
		told := strings.Join(look(of), ", ")
		if want := "mid_stream resumed after 6m0s"; !strings.HasPrefix(told, want) {
			t.Errorf("it told %q, want %q", told, want)
		}
		if got := counts(t, of, exchange.MidStream); got != ([4]int{}) {
			t.Errorf("resumed, it counts at %v", got)
		}
		end(x)
		r := sink.only(t)
		if late := r.Late(); len(late) != 0 {
			t.Errorf("the Record tells it again: %+v", late)
		}
		if all := r.Episodes(); len(all) != 1 || all[0].Wait() != 360*second {
			t.Errorf("the Record has %+v", all)
		}
	})
}

// An episode counts once, whatever ends it, whether somebody looked meanwhile or not.
func TestEpisodesCountOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func(*tap.Tap, *tap.Exchange) []string // the Interims before the end
		end  tap.Result
		want string
	}{
		{"before the first token, told when it came", func(of *tap.Tap, x *tap.Exchange) []string {
			told := watchFor(of, 40*second)
			chunk(x, event)
			return append(told, watchFor(of, 5*second)...)
		}, tap.Result{Outcome: exchange.OK}, "before_first_token resumed after 40s |"},
		{"before the first token, told with the Record", func(_ *tap.Tap, x *tap.Exchange) []string {
			time.Sleep(40 * second)
			chunk(x, event)
			return nil
		}, tap.Result{Outcome: exchange.OK}, "| before_first_token resumed after 40s"},
		{"no token came, and the client left", func(of *tap.Tap, _ *tap.Exchange) []string { return watchFor(of, 70*second) },
			tap.Result{Outcome: exchange.ClientGone}, "| before_first_token client_gone after 1m10s"},
		{"the client left in the middle", func(of *tap.Tap, x *tap.Exchange) []string {
			chunk(x, event)
			return watchFor(of, 12*second)
		}, tap.Result{Outcome: exchange.ClientGone}, "| mid_stream client_gone after 12s"},
		{"the upstream cut it in the middle", func(of *tap.Tap, x *tap.Exchange) []string {
			chunk(x, event)
			return watchFor(of, 12*second)
		}, tap.Result{Outcome: exchange.UpstreamCut}, "| mid_stream cut after 12s"},
		{"two, and then it was cut in a third", func(of *tap.Tap, x *tap.Exchange) (told []string) {
			for range 3 {
				chunk(x, event)
				told = append(told, watchFor(of, 15*second)...)
			}
			return told
		}, tap.Result{Outcome: exchange.UpstreamCut}, "mid_stream resumed after 15s, mid_stream resumed after 15s | mid_stream cut after 15s"},
		{"nobody looked at the first of two", func(_ *tap.Tap, x *tap.Exchange) []string {
			chunk(x, event)
			time.Sleep(15 * second)
			chunk(x, event)
			time.Sleep(15 * second)
			chunk(x, event)
			return nil
		}, tap.Result{Outcome: exchange.OK}, "| mid_stream resumed after 15s, mid_stream resumed after 15s"},
		{"shorter than an episode", func(of *tap.Tap, x *tap.Exchange) []string {
			chunk(x, event)
			return watchFor(of, 9*second)
		}, tap.Result{Outcome: exchange.UpstreamCut}, "|"},
		{"a connection that stays open behind the terminator", func(of *tap.Tap, x *tap.Exchange) []string {
			chunk(x, event+`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
			told := watchFor(of, 60*second)
			if n := counts(t, of, exchange.MidStream); n != ([4]int{}) {
				told = append(told, fmt.Sprint(n))
			}
			return told
		}, tap.Result{Outcome: exchange.OK}, "|"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, sink := newTap()
				x := beginStream(of)
				told := tt.of(of, x)
				told = without(told, "tokens")
				tt.end.At = tap.Now()
				x.End(tt.end)
				r := sink.only(t)
				var late []string
				for _, e := range r.Late() {
					late = append(late, describeEpisode(&e))
				}
				if got := strings.TrimSpace(strings.Join(told, ", ") + " | " + strings.Join(late, ", ")); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func without(all []string, what string) (out []string) {
	for _, one := range all {
		if !strings.Contains(one, what) {
			out = append(out, one)
		}
	}
	return out
}

// An exchange that waits long by its nature is not silent, nor is one that headway cannot read.
func TestOnlyStreamsAreSilent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(*tap.Tap) *tap.Exchange
	}{
		{"an answer in one piece", func(of *tap.Tap) *tap.Exchange {
			x := of.Begin(chat())
			x.RequestBody([]byte(`{"model":"m"}`))
			x.RequestRead(tap.Now())
			x.RequestWritten(tap.Now())
			return x
		}},
		{"a canary", func(of *tap.Tap) *tap.Exchange {
			r := chat()
			r.Origin = exchange.Canary
			x := of.Begin(r)
			x.RequestBody([]byte(`{"model":"m","stream":true}`))
			x.RequestRead(tap.Now())
			x.RequestWritten(tap.Now())
			return x
		}},
		{"a request that is on its way", func(of *tap.Tap) *tap.Exchange {
			x := of.Begin(chat())
			x.RequestBody([]byte(`{"model":"m","stream":true}`))
			x.RequestRead(tap.Now())
			return x
		}},
		{"an encoding that headway does not know", func(of *tap.Tap) *tap.Exchange {
			x := of.Begin(chat())
			x.RequestBody([]byte(`{"model":"m","stream":true}`))
			x.RequestRead(tap.Now())
			x.RequestWritten(tap.Now())
			x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", "unheard-of"), tap.Now())
			chunk(x, event)
			return x
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, _ := newTap()
				x := tt.begin(of)
				told := watchFor(of, 70*second)
				for _, s := range of.Silent() {
					if s.For != ([4]int{}) {
						t.Errorf("it counts as silent: %+v", s)
					}
				}
				if len(told) != 0 {
					t.Errorf("it told %q", told)
				}
				end(x)
			})
		})
	}
}

// Interims tell tokens while a stream runs, and the sum is that of the Records.
func TestTokensAreToldWhileTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, sink := newTap()
		x := beginStream(of)
		var sum int64
		tell := func() (n int64) {
			for _, i := range of.AppendInterims(nil) {
				n += i.Tokens
			}
			sum += n
			return n
		}
		for i := range 120 { // a minute
			time.Sleep(500 * time.Millisecond)
			chunk(x, event)
			if i%10 == 9 {
				if told, due := tell(), i%20 == 19; (told > 0) != due || told > 32 {
					t.Errorf("at chunk %d it told %d tokens", i, told)
				}
			}
		}
		chunk(x, `data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":300}}`+"\n\ndata: [DONE]\n\n")
		end(x)
		r := sink.only(t)
		if r.Usage.Output != exchange.Known(300) || r.Early.Tokens != sum || sum < 90 {
			t.Errorf("%+v tokens, %d of them early; Interims had %d", r.Usage.Output, r.Early.Tokens, sum)
		}
	})
}

// A provider may report fewer tokens than came in chunks. The next tokens of the same model
// pay for the excess, so that the sum is exact again and no counter falls.
func TestTokensToldTooManyAreNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, sink := newTap()
		counted := int64(0)
		run := func(chunks, reported int) {
			x := beginStream(of)
			for i := range chunks {
				time.Sleep(500 * time.Millisecond)
				chunk(x, event)
				if i%10 == 9 {
					for _, n := range of.AppendInterims(nil) {
						if n.Tokens < 0 {
							t.Errorf("told %d tokens", n.Tokens)
						}
						counted += n.Tokens
					}
				}
			}
			chunk(x, fmt.Sprintf(`data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":%d}}`, reported)+"\n\ndata: [DONE]\n\n")
			end(x)
			r := sink.records[len(sink.records)-1]
			rest := r.Usage.Output.N - r.Early.Tokens
			if rest < 0 {
				t.Errorf("a counter would fall by %d", -rest)
			}
			counted += rest
		}
		run(100, 20)
		if counted <= 20 {
			t.Fatalf("Interims had %d tokens of a stream of 20 in 100 chunks: none too many", counted)
		}
		run(2, 2) // pays all that it has
		run(100, 100)
		if want := int64(20 + 2 + 100); counted != want {
			t.Errorf("Interims had %d tokens, want %d", counted, want)
		}
	})
}

// BenchmarkInterims looks at 10,000 open streams that flow, on behalf of nobody who views.
func BenchmarkInterims(b *testing.B) {
	of, _ := newTap()
	for range 10_000 {
		chunk(beginStream(of), event)
	}
	var all []exchange.Interim
	b.ReportAllocs()
	for b.Loop() {
		all = of.AppendInterims(all[:0])
	}
}

// AppendFlows has the streams that wait with all others of their engine, and no other streams.
func TestFlowsAreThoseOfEnginesThatMayPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, _ := newTap()
		var streams []*tap.Exchange
		for range 4 {
			streams = append(streams, beginStream(of))
		}
		run := func(d time.Duration, which []*tap.Exchange) {
			for range d / (100 * time.Millisecond) {
				time.Sleep(100 * time.Millisecond)
				for _, x := range which {
					chunk(x, event)
				}
			}
		}
		flows := func(want int) (all []exchange.Flow) {
			t.Helper()
			for _, e := range of.AppendFlows(nil, 10*second) {
				if e.Model != "m" || e.Upstream != model || e.Operation != exchange.Chat {
					t.Errorf("the engine is %+v", e)
				}
				all = append(all, e.Streams...)
			}
			if len(all) != want {
				t.Fatalf("%d flows, want %d", len(all), want)
			}
			return all
		}
		run(5*second, streams)
		flows(0)
		run(second, streams[2:]) // two wait, which are too few
		flows(0)
		run(2*second, streams)
		run(2*second, streams[3:])
		for _, f := range flows(4) {
			if f.Chunks < 32 || f.Last < f.First {
				t.Errorf("a flow is %+v", f)
			}
		}
		run(second, streams)
		waited := 0
		for _, f := range flows(4) {
			if f.To-f.From == 2100*time.Millisecond && f.Last-f.To == 900*time.Millisecond {
				waited++
			}
		}
		if waited != 3 {
			t.Errorf("%d streams have waited, want 3", waited)
		}
		run(10*second, streams)
		flows(0)
		for _, x := range streams {
			end(x)
		}
	})
}

// BenchmarkFlows looks at 10,000 open streams beside a model server, as somebody does every two
// seconds: while all flow, while three wait, and while all do.
func BenchmarkFlows(b *testing.B) {
	for _, waiting := range []int{0, 3, 10_000} {
		b.Run(fmt.Sprintf("%d wait", waiting), func(b *testing.B) {
			of, _ := newTap()
			for i := range 10_000 {
				at := tap.Now() - tap.Instant(2*second)
				x := beginStreamAt(of, at-tap.Instant(second))
				if i >= waiting { // it flows for as long as the benchmark takes
					at += tap.Instant(time.Hour)
				}
				for range 33 {
					x.Chunk([][]byte{[]byte(event)}, at, max(at, tap.Now()))
				}
			}
			var flows []exchange.EngineFlow
			b.ReportAllocs()
			for b.Loop() {
				flows = of.AppendFlows(flows[:0], 0)
			}
			if told := len(flows) > 0; told != (waiting > 0) {
				b.Errorf("told %d engines", len(flows))
			}
		})
	}
}
