package transparent_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/transparent"
)

const ms = time.Millisecond

// script is a conversation of records, at exact moments.
type script struct {
	seal  transparent.Seal
	now   time.Duration
	seen  []exchange.Record
	asked time.Duration // when the last request began
}

func (s *script) Observe(r exchange.Record) { s.seen = append(s.seen, r) }

func (s *script) wait(d time.Duration) { s.now += d }

func (s *script) up(lengths ...int) {
	s.asked = s.now
	for _, n := range lengths {
		s.seal.Saw(transparent.Up, record(23, n), s.now)
	}
}

func (s *script) down(lengths ...int) {
	for _, n := range lengths {
		s.seal.Saw(transparent.Down, record(23, n), s.now)
	}
}

func handshakeRecord(message []byte) []byte {
	return append([]byte{22, 3, 1, byte(len(message) >> 8), byte(len(message))}, message...)
}

// newScript begins with a handshake; its round trip takes 10 ms.
func newScript(tls13, http2 bool) *script {
	s := &script{now: ms}
	s.seal = transparent.NewSeal(s)
	protocols := "\x00\x10\x00\x0b\x02h2\x08http/1.1"
	if !http2 {
		protocols = "\x00\x10\x00\x09\x08http/1.1"
	}
	s.seal.Saw(transparent.Up, handshakeRecord(extended(1, named("api.example"), protocols)), s.now)
	s.wait(10 * ms)
	if !tls13 {
		s.seal.Saw(transparent.Down, handshakeRecord(extended(2)), s.now)
		s.seal.Saw(transparent.Down, record(22, 3000), s.now)
		s.seal.Saw(transparent.Up, slices.Concat(record(22, 70), record(20, 1), record(22, 40)), s.now)
		s.wait(10 * ms)
		s.seal.Saw(transparent.Down, slices.Concat(record(22, 200), record(20, 1), record(22, 40)), s.now)
		return s
	}
	s.seal.Saw(transparent.Down, handshakeRecord(extended(2, "\x00\x2b\x03\x04")), s.now)
	s.seal.Saw(transparent.Down, record(20, 1), s.now)
	s.down(27, 2500, 281, 69)
	s.seal.Saw(transparent.Up, record(20, 1), s.now)
	s.up(69)
	return s
}

// stream answers with a head at once and an event after each of the waits.
func (s *script) stream(waits ...time.Duration) {
	s.down(400)
	for _, d := range waits {
		s.wait(d)
		s.down(260)
	}
}

const (
	lastChunk   = 22 // 0 CRLF CRLF
	closeNotify = 19
)

func TestSealedExchangesAreFoundInTheirRecords(t *testing.T) {
	type want struct {
		outcome          exchange.Outcome
		stream           bool
		head, ttft, last time.Duration
		end              time.Duration
		chunks           int
	}
	streamed := want{exchange.OK, true, 40 * ms, 140 * ms, 180 * ms, 180 * ms, 3}
	plain := func(s *script) {
		s.up(900)
		s.wait(40 * ms)
		s.stream(100*ms, 20*ms, 20*ms)
		s.down(lastChunk)
	}
	tests := []struct {
		name         string
		tls13, http2 bool
		play         func(*script)
		want         []want
	}{
		{"a stream over TLS 1.3", true, false, plain, []want{streamed}},
		{"a stream over TLS 1.2", false, false, plain, []want{streamed}},
		{"tickets before the request", true, false, func(s *script) { s.wait(10 * ms); s.down(250, 250); plain(s) }, []want{streamed}},
		{"tickets after the request", true, false, func(s *script) {
			s.up(900)
			s.wait(10 * ms)
			s.down(250, 250)
			s.wait(30 * ms)
			s.stream(100*ms, 20*ms, 20*ms)
			s.down(lastChunk)
		}, []want{streamed}},
		{"a head right behind its ticket", true, false, func(s *script) {
			s.up(900)
			s.wait(10 * ms)
			s.down(250)
			s.stream(100*ms, 20*ms, 20*ms)
			s.down(lastChunk)
		}, []want{{exchange.OK, true, 10 * ms, 110 * ms, 150 * ms, 150 * ms, 3}}},
		{"settings of HTTP/2 after the request", true, true, func(s *script) {
			s.up(90, 120, 700)
			s.wait(10 * ms)
			s.down(250, 62, 30, 26)
			s.wait(30 * ms)
			s.up(26)
			s.stream(100*ms, 20*ms, 20*ms)
			s.down(26)
		}, []want{streamed}},
		{"control frames of HTTP/2 during the response", true, true, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(100 * ms)
			s.up(43)
			s.stream(20*ms, 20*ms)
			s.down(26)
		}, []want{{exchange.OK, true, 40 * ms, 140 * ms, 180 * ms, 180 * ms, 3}}},
		{"a request in several parts, with 100 Continue", true, false, func(s *script) {
			s.up(300)
			s.wait(20 * ms)
			s.down(42)
			s.up(16401, 16401, 800)
			s.wait(20 * ms)
			s.stream(100*ms, 20*ms, 20*ms)
			s.down(lastChunk)
		}, []want{streamed}},
		{"events that come with the head", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(1*ms, 1*ms, 98*ms, 20*ms, 20*ms)
		}, []want{streamed}},
		{"a head that was held back for the first token", true, false, func(s *script) {
			s.up(900)
			s.wait(140 * ms)
			s.stream(0, 20*ms, 20*ms)
			s.down(lastChunk)
		}, []want{{exchange.OK, true, 140 * ms, 140 * ms, 180 * ms, 180 * ms, 2}}},
		{"a response in one piece", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.down(16401, 900)
		}, []want{{exchange.OK, false, 40 * ms, 0, 0, 40 * ms, 0}}},
		{"two exchanges of one connection", true, false, func(s *script) { plain(s); s.wait(time.Second); plain(s) }, []want{streamed, streamed}},
		{"a server that says goodbye", true, false, func(s *script) {
			plain(s)
			s.down(closeNotify)
			s.seal.Ended(transparent.Down, true, s.now)
		}, []want{streamed}},
		{"a server that ends in the middle", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(100*ms, 20*ms, 20*ms)
			s.wait(5 * ms)
			s.seal.Ended(transparent.Down, true, s.now)
		}, []want{{exchange.UpstreamCut, true, 40 * ms, 140 * ms, 180 * ms, 185 * ms, 3}}},
		{"a server that ends an idle connection", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(100*ms, 20*ms, 20*ms)
			s.wait(time.Minute)
			s.seal.Ended(transparent.Down, true, s.now)
		}, []want{streamed}},
		{"a server that ends without an answer", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.seal.Ended(transparent.Down, false, s.now)
		}, []want{{exchange.ConnectError, false, 0, 0, 0, 40 * ms, 0}}},
		{"a client that resets", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(100*ms, 20*ms)
			s.wait(7 * ms)
			s.seal.Ended(transparent.Up, false, s.now)
			s.seal.Ended(transparent.Down, false, s.now)
		}, []want{{exchange.ClientGone, true, 40 * ms, 140 * ms, 160 * ms, 167 * ms, 2}}},
		{"a client that leaves while the server goes on", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.stream(100*ms, 20*ms)
			s.wait(7 * ms)
			s.up(closeNotify)
			s.seal.Ended(transparent.Up, true, s.now)
			s.wait(13 * ms)
			s.down(260)
		}, []want{{exchange.ClientGone, true, 40 * ms, 140 * ms, 160 * ms, 167 * ms, 2}}},
		{"a client that leaves before the answer", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.seal.Ended(transparent.Up, true, s.now)
		}, []want{{exchange.ClientGone, false, 0, 0, 0, 40 * ms, 0}}},
		{"a client that leaves when it has all", true, false, func(s *script) {
			s.up(900)
			s.wait(40 * ms)
			s.down(16401, 900)
			s.up(closeNotify)
			s.seal.Ended(transparent.Up, true, s.now)
			s.down(closeNotify)
		}, []want{{exchange.OK, false, 40 * ms, 0, 0, 40 * ms, 0}}},
		{"a connection on which nothing is asked", true, false, func(s *script) {
			s.down(250)
			s.wait(time.Minute)
			s.up(closeNotify)
			s.seal.Ended(transparent.Up, true, s.now)
		}, nil},
		{"what is no TLS any more", true, false, func(s *script) {
			plain(s)
			s.seal.Saw(transparent.Down, []byte("HTTP/1.1 400 Bad Request\r\n"), s.now)
			s.up(900)
		}, []want{streamed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(tt.tls13, tt.http2)
			tt.play(s)
			s.seal.Close(s.now)
			var got []want
			for _, r := range s.seen {
				got = append(got, want{r.Outcome, r.Stream, r.Timing.ResponseHead, r.TTFT(), r.Timing.LastToken, r.Timing.End, r.Chunks.Count})
				if r.Mode != exchange.Sealed || r.Upstream != (exchange.Upstream{Host: "api.example", Port: 443}) {
					t.Errorf("%s to %s", r.Mode, r.Upstream.Address())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSealedGapsAreThoseBetweenBursts(t *testing.T) {
	s := newScript(true, false)
	s.up(900)
	s.wait(40 * ms)
	s.stream(100*ms, 20*ms, 0, 7*ms, 30*ms)
	s.down(lastChunk)
	s.seal.Close(s.now)
	var got []time.Duration
	for gap := range s.seen[0].Chunks.Gaps(exchange.Count{}) {
		got = append(got, gap.Wait)
	}
	if want := []time.Duration{20 * ms, 7 * ms, 30 * ms}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSealedExchangeEndsWithSilence(t *testing.T) {
	for _, tt := range []struct {
		name      string
		concluded bool
		early, at time.Duration
	}{
		{"after the last chunk", true, 4 * time.Second, 6 * time.Second},
		{"in the middle", false, 29 * time.Second, 31 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(true, false)
			s.up(900)
			s.seal.Expire(s.now + time.Hour) // the answer may take its time
			s.wait(time.Hour)
			s.stream(20*ms, 20*ms)
			if tt.concluded {
				s.down(lastChunk)
			}
			s.seal.Expire(s.now + tt.early)
			if len(s.seen) > 0 || s.seal.Idle() {
				t.Fatal("over too early")
			}
			s.seal.Expire(s.now + tt.at)
			if len(s.seen) != 1 || s.seen[0].Outcome != exchange.OK || s.seal.Idle() != tt.concluded {
				t.Errorf("%d told, idle %v", len(s.seen), s.seal.Idle())
			}
		})
	}
}

func TestSealedExchangeIsDrained(t *testing.T) {
	s := newScript(true, false)
	s.up(900)
	s.wait(40 * ms)
	s.stream(20*ms, 20*ms)
	s.seal.Drain(s.now)
	s.seal.Ended(transparent.Up, false, s.now)
	s.seal.Close(s.now)
	if len(s.seen) != 1 || s.seen[0].Outcome != exchange.Drained || s.seen[0].ErrorType != exchange.ErrDraining {
		t.Errorf("%+v", s.seen)
	}
}

func TestSealedTimingAllocatesNothingForAnEvent(t *testing.T) {
	s := newScript(true, false)
	s.up(900)
	s.down(400)
	event := record(23, 230)
	if n := testing.AllocsPerRun(5000, func() {
		s.wait(10 * ms)
		s.seal.Saw(transparent.Down, event, s.now)
	}); n != 0 { // growth is amortised
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSealedTiming(b *testing.B) {
	s := newScript(true, false)
	s.up(900)
	s.down(400)
	event := record(23, 230)
	b.ReportAllocs()
	for b.Loop() {
		s.wait(10 * ms)
		s.seal.Saw(transparent.Down, event, s.now)
	}
}
