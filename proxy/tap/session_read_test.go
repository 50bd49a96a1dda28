package tap_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// The server may answer before the relay has reported the question.
func TestAnAnswerThatComesBeforeTheReportOfItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap()
		x := open(of, "/v1/responses", "")
		c, s := &speaker{masks: true}, &speaker{}
		asked := tap.Now()
		x.Sending()
		for _, event := range []string{opened("r1"), delta("Hi"), completed("r1", 1)} {
			chunk(x, string(s.say(event)[0]))
		}
		x.Sent(c.say(ask)[0], asked, tap.Now())
		chunk(x, string(s.say(delta("of nothing"))[0]))
		x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
		if len(told.records) != 2 {
			t.Fatalf("%d Records, want that of the answer and that of the session", len(told.records))
		}
		if got := describe(&told.records[0]); got != "ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=1ns ttft=1ns last=1ns e2e=1ns" {
			t.Error(got)
		}
	})
}

// The upstream may even leave before that report. Then its answer is whole all the same, and
// a question without one is cut off at the moment at which the upstream left.
func TestAnUpstreamThatLeavesBeforeTheReportOfAQuestion(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer []string
		want   string
	}{
		{"after its answer", []string{opened("r1"), delta("Hi"), completed("r1", 1)}, "ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=1ns ttft=1ns last=1ns e2e=1ns"},
		{"without an answer", nil, "upstream_cut stream_truncated 0 gpt-x/ e2e=5ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, told := newTap()
				x := open(of, "/v1/responses", "")
				c, s := &speaker{masks: true}, &speaker{}
				asked := tap.Now()
				x.Sending()
				for _, event := range tt.answer {
					chunk(x, string(s.say(event)[0]))
				}
				time.Sleep(5 * time.Millisecond)
				x.Parted(false, tap.Now())
				time.Sleep(5 * time.Millisecond)
				x.Sent(c.say(ask)[0], asked, tap.Now())
				x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
				if len(told.records) != 2 {
					t.Fatalf("%d Records, want that of the answer and that of the session", len(told.records))
				}
				if got := describe(&told.records[0]); got != tt.want {
					t.Error(got)
				}
			})
		})
	}
}

// What headway cannot read stays a tunnel, and what was under way then counts nowhere.
func TestASessionThatCannotBeRead(t *testing.T) {
	c, s := &speaker{masks: true}, &speaker{}
	question, start := string(c.say(ask)[0]), string(s.say(opened("r1"))[0])
	bomb := &speaker{spelling: spelling{extensions: "permessage-deflate"}}
	huge := string(bomb.say(`{"type":"response.output_text.delta","delta":"` + strings.Repeat("A", 5<<20) + `"}`)[0])
	unended := string([]byte{0x41, 127, 0, 0, 0, 0, 0, 0x40, 0, 0}) + strings.Repeat("A", 3<<20) // of 4 MiB
	for _, c := range []struct {
		name, extensions string
		up               []string
		down             []string
		records          int
	}{
		{"no frames", "", []string{question}, []string{start, "\x83\x00"}, 2},
		{"no frames of the client", "", []string{question, "\x83\x00"}, []string{start}, 2},
		{"a message that is too large to inflate", "permessage-deflate", []string{question}, []string{start, huge}, 2},
		{"compressed messages that do not end, of all sessions", "permessage-deflate", []string{question}, []string{start, unended}, 2},
		{"too many questions", "", slices.Repeat([]string{question}, 65), []string{start}, 65},
		{"an extension that headway does not know", "permessage-zstd", []string{question}, []string{start}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			of, told := newTap()
			if strings.Contains(c.name, "of all sessions") {
				for range 5 {
					chunk(open(of, "/v1/responses", c.extensions), unended)
				}
			}
			x := open(of, "/v1/responses", c.extensions)
			for _, p := range c.up {
				x.Sending()
				x.Sent([]byte(p), tap.Now(), tap.Now())
			}
			for _, p := range c.down {
				chunk(x, p)
			}
			x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
			if len(told.records) != c.records {
				t.Fatalf("%d Records, want %d", len(told.records), c.records)
			}
			for _, r := range told.records {
				if r.Mode != exchange.Upgraded {
					t.Errorf("%+v", r)
				}
			}
			if noted := slices.Contains(told.records[c.records-1].Notes, "session_unread"); noted != (c.records > 1) {
				t.Errorf("notes of the session: %v", told.records[c.records-1].Notes)
			}
			if slices.ContainsFunc(of.InFlight(), func(f exchange.InFlight) bool { return f.Requests != 0 || f.Streams != 0 }) {
				t.Errorf("in flight: %+v", of.InFlight())
			}
		})
	}
}

// An ordinary request, a WebSocket elsewhere, and one with a protocol of its own are no
// session.
func TestNoSession(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		request, response  []string
	}{
		{"another path", "GET", "/v1/live", []string{"Upgrade", "websocket"}, []string{"Upgrade", "websocket"}},
		{"another upgrade", "GET", "/v1/responses", []string{"Upgrade", "h2c"}, []string{"Upgrade", "h2c"}},
		{"another protocol", "GET", "/v1/responses", []string{"Upgrade", "websocket"}, []string{"Upgrade", "websocket", "Sec-WebSocket-Protocol", "mqtt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			of, told := newTap()
			x := of.Begin(tap.Request{Method: c.method, Path: c.path, Upstream: model, Read: tap.Now(), Header: header(c.request...)})
			x.ResponseHead(101, header(c.response...), tap.Now())
			x.Upgraded()
			x.Sending()
			x.Sent((&speaker{masks: true}).say(ask)[0], tap.Now(), tap.Now())
			chunk(x, string((&speaker{}).say(opened("r1"))[0]))
			end(x)
			if r := told.only(t); r.Mode != exchange.Upgraded || len(r.Notes) > 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Two questions that are alike are evidence of one call, if they say all that they ask.
func TestEvidenceOfASession(t *testing.T) {
	calls := func(path, question string) (calls []exchange.Call) {
		of, told := newTap()
		x := open(of, path, "")
		for range 2 {
			x.Sending()
			x.Sent((&speaker{masks: true}).say(question)[0], tap.Now(), tap.Now())
		}
		end(x)
		for _, r := range told.records[:2] {
			calls = append(calls, r.Call)
		}
		return calls
	}
	if got := calls("/v1/responses", ask); got[0] != got[1] || got[0].Request == 0 || got[0].Conversation == 0 {
		t.Errorf("Responses: %+v", got)
	}
	if got := calls("/v1/realtime", askAloud); got[0].Request != 0 || got[0].Conversation != 0 {
		t.Errorf("Realtime: %+v", got)
	}
}

// steadySession is the middle of an answer in a session.
type steadySession struct {
	how              spelling
	question, opened []byte
	events           [][]byte
}

func newSteadySession(how spelling) *steadySession {
	server := &speaker{spelling: how}
	s := &steadySession{how: how, question: (&speaker{masks: true, spelling: how}).say(ask)[0], opened: server.say(opened("r1"))[0]}
	words := strings.Fields("the sea is wide and the ship was small but nobody on board had ever thought of turning back before night")
	for i := range 10_000 {
		s.events = append(s.events, server.say(fmt.Sprintf(`{"type":"response.output_text.delta","item_id":"msg_68f1c0de","output_index":1,"content_index":0,`+
			`"delta":" %s","logprobs":[],"sequence_number":%d,"obfuscation":"%s"}`, words[i*i%len(words)], 3+i, "aZ3kQxW9rT5mB7c"[:i%16]))[0])
	}
	return s
}

// answer returns a session in which the answer has begun.
func (s *steadySession) answer() *tap.Exchange {
	of, _ := newTap()
	x := open(of, "/v1/responses", s.how.extensions)
	x.Sending()
	x.Sent(s.question, tap.Now(), tap.Now())
	chunk(x, string(s.opened))
	return x
}

func TestAFrameAllocatesNothing(t *testing.T) {
	s := newSteadySession(spelling{})
	x := s.answer()
	audio := (&speaker{masks: true}).say(`{"type":"input_audio_buffer.append","audio":"` + strings.Repeat("A", 10_000) + `"}`)[0]
	i := 0
	spans := make([][]byte, 1)
	if n := testing.AllocsPerRun(2000, func() {
		now := tap.Now()
		spans[0] = s.events[i%len(s.events)]
		x.Chunk(spans, now, now)
		x.Sending()
		x.Sent(audio, now, now)
		i++
	}); n != 0 {
		t.Errorf("%v allocations for two frames, want 0", n)
	}
}

// BenchmarkFrame measures an event of an answer, and its CPU time where the system tells it.
func BenchmarkFrame(b *testing.B) {
	for _, how := range []spelling{
		{name: "plain"},
		{name: "deflated", extensions: "permessage-deflate"},
		{name: "deflated, without takeover", extensions: "permessage-deflate; server_no_context_takeover"},
	} {
		b.Run(how.name, func(b *testing.B) {
			s := newSteadySession(how)
			x := s.answer()
			b.ReportAllocs()
			spans := make([][]byte, 1)
			spent, i := time.Duration(0), 0
			before, told := dialecttest.CPUTime()
			for b.Loop() {
				if i == len(s.events) { // messages may refer to those before them, so that they come once in a session
					b.StopTimer()
					now, _ := dialecttest.CPUTime()
					spent += now - before
					x, i = s.answer(), 0
					before, _ = dialecttest.CPUTime()
					b.StartTimer()
				}
				now := tap.Now()
				spans[0] = s.events[i]
				x.Chunk(spans, now, now)
				i++
			}
			if now, _ := dialecttest.CPUTime(); told {
				b.ReportMetric(float64(spent+now-before)/float64(b.N), "cpu-ns/op")
			}
		})
	}
}

// An open session holds little while nothing happens, however much has passed.
func TestMemoryOfAnIdleSession(t *testing.T) {
	const sessions = 200
	for _, c := range []struct {
		name string
		how  spelling
		most int
	}{
		{"plain", spelling{}, 20 << 10},
		{"deflated", spelling{extensions: "permessage-deflate"}, 112 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			of, _ := newTap()
			random := rand.New(rand.NewPCG(1, 1))
			noise := make([]byte, 100_000)
			for i := range noise {
				noise[i] = byte('a' + random.IntN(26))
			}
			asks, server := &speaker{masks: true, spelling: c.how}, &speaker{spelling: c.how}
			question := asks.say(`{"type":"response.create","model":"gpt-x","input":"` + string(noise) + `"}`)[0]
			events := [][]byte{server.say(opened("r1"))[0], server.say(delta(string(noise)))[0], server.say(completed("r1", 1))[0]}
			var all []*tap.Exchange
			before := heap()
			for range sessions {
				x := open(of, "/v1/responses", c.how.extensions)
				x.Sending()
				x.Sent(question, tap.Now(), tap.Now())
				for _, e := range events {
					chunk(x, string(e))
				}
				all = append(all, x)
			}
			held := int(heap()-before) / sessions
			runtime.KeepAlive(all)
			t.Logf("%d bytes a session", held)
			if held > c.most {
				t.Errorf("a session holds %d bytes, want %d at most", held, c.most)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fuzzedPaths are those at which FuzzSession opens its sessions, one for each dialect.
var fuzzedPaths = []string{"/v1/responses", "/v1/realtime?model=m", livePath, scribePath}

// FuzzSession: no bytes of either side stop the tap, and the Records do not depend on how
// the bytes were cut.
func FuzzSession(f *testing.F) {
	for i, c := range slices.Concat(sessions, liveSessions, transcriptions) {
		how := spellings[i%len(spellings)]
		if how.fragment == 0 {
			how.extensions = ""
		}
		up, down := []byte{}, []byte{}
		sides := map[bool]*speaker{true: {masks: true, spelling: how}, false: {spelling: how}}
		for _, line := range c.lines {
			for _, p := range sides[line.client].say(line.text) {
				if line.client {
					up = append(up, p...)
				} else {
					down = append(down, p...)
				}
			}
		}
		f.Add(up, down, how.extensions != "", pathOf(c), uint64(i))
	}
	f.Fuzz(func(t *testing.T, up, down []byte, deflated bool, at uint8, seed uint64) {
		path, extensions := fuzzedPaths[int(at)%len(fuzzedPaths)], ""
		if deflated {
			extensions = "permessage-deflate"
		}
		random := rand.New(rand.NewPCG(seed, 6))
		want := pass(path, extensions, [][]byte{up}, [][]byte{down})
		got := pass(path, extensions, dialecttest.Cut(up, random, 40), dialecttest.Cut(down, random, 40))
		if !slices.Equal(got, want) {
			t.Fatalf("\n got %q\nwant %q", got, want)
		}
	})
}

// pathOf is the one of fuzzedPaths whose dialect the dialogue is in.
func pathOf(c dialogue) (at uint8) {
	for i, word := range []string{"/responses", "realtime?", "Bidi", "intent="} {
		if strings.Contains(c.path, word) {
			at = uint8(i)
		}
	}
	return at
}

// pass runs both sides of a session through a tap, the client's first and all at one moment.
// It returns what the exchanges were.
func pass(path, extensions string, up, down [][]byte) (exchanges []string) {
	of, told := newTap()
	x, at := open(of, path, extensions), tap.Now()
	dialecttest.Feed(func(p []byte) {
		x.Sending()
		x.Sent(p, at, at)
	}, up)
	dialecttest.Feed(func(p []byte) { x.Chunk([][]byte{p}, at, at) }, down)
	x.End(tap.Result{At: at, Outcome: exchange.OK})
	for _, r := range told.records[:len(told.records)-1] {
		exchanges = append(exchanges, fmt.Sprint(r.Mode, r.Outcome, r.ErrorType, r.Status, r.Model, r.FinishReasons, r.Events, r.Chunks.Count, r.Usage, r.Bytes, r.Notes))
	}
	return exchanges
}
