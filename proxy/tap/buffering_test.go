package tap_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// piece is bytes of a body, and the moment at which a server sends them.
type piece struct {
	at    time.Duration
	bytes []byte
}

// generated is the stream of a model that makes a chunk each time that gap returns, after
// a TTFT of 200 ms: an event of 180 bytes for each of n chunks, and the terminator.
func generated(n int, gap func(i int) time.Duration) (all []piece) {
	at := 200 * ms
	for i := range n {
		text := fmt.Sprintf(`data: {"id":"chatcmpl-%08x","object":"chat.completion.chunk","created":1764000000,"model":"m","choices":[{"index":0,"delta":{"content":" word%d"},"logprobs":null,"finish_reason":null}]}`+"\n\n", 7919*n, i%1000)
		all = append(all, piece{at, []byte(text)})
		at += gap(i)
	}
	return append(all, piece{at, []byte(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")})
}

// steady is a gap that is always the same.
func steady(gap time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return gap }
}

// inSteps is the gap after each chunk of a model that makes so many of them in a step, each
// step taking so long.
func inSteps(chunks int, step time.Duration) func(int) time.Duration {
	return func(i int) time.Duration {
		if i%chunks == chunks-1 {
			return step
		}
		return 30 * time.Microsecond
	}
}

// full sends a stream on whenever so many bytes have come together, and at its end: nginx
// with proxy_buffering on does, with its buffer of one page.
func full(size int) func([]piece) []piece {
	return func(in []piece) (out []piece) {
		var held []byte
		for i, s := range in {
			held = append(held, s.bytes...)
			for len(held) >= size || i == len(in)-1 && len(held) > 0 {
				n := min(size, len(held))
				out = append(out, piece{s.at, bytes.Clone(held[:n])})
				held = held[n:]
			}
		}
		return out
	}
}

// zipped is a proxy that compresses and never flushes.
func zipped(in []piece) (out []piece) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	for i, s := range in {
		_, _ = z.Write(s.bytes)
		if i == len(in)-1 {
			_ = z.Close()
		}
		if buf.Len() > 0 {
			out = append(out, piece{s.at, bytes.Clone(buf.Bytes())})
			buf.Reset()
		}
	}
	return out
}

// ticking sends all on that came together every so often: a content filter that looks at a
// stretch of the text does.
func ticking(every time.Duration) func([]piece) []piece {
	return func(in []piece) (out []piece) {
		for _, s := range in {
			at := (s.at + every - 1) / every * every
			if n := len(out); n > 0 && out[n-1].at == at {
				out[n-1].bytes = append(out[n-1].bytes, s.bytes...)
				continue
			}
			out = append(out, piece{at, bytes.Clone(s.bytes)})
		}
		return out
	}
}

// after sends all so much later.
func after(wait time.Duration, in []piece) []piece {
	for i := range in {
		in[i].at += wait
	}
	return in
}

// lossy sends all late that comes within 200 ms after a moment, as a network does that has
// lost a packet.
func lossy(from time.Duration) func([]piece) []piece {
	return func(in []piece) []piece {
		out := slices.Clone(in)
		for i, s := range out {
			if s.at >= from && s.at < from+200*ms {
				out[i].at = from + 200*ms
			}
		}
		return out
	}
}

// paired sends two events together, always.
func paired(in []piece) (out []piece) {
	for i := 0; i < len(in); i += 2 {
		last := in[min(i+1, len(in)-1)]
		out = append(out, piece{last.at, slices.Concat(in[i].bytes, last.bytes)})
	}
	return out
}

// relayed reads a stream from a server. Every write to the client takes so long.
func relayed(of *tap.Tap, in []piece, encoding string, write time.Duration) {
	start := tap.Now()
	x := of.Begin(chat())
	x.RequestBody([]byte(`{"model":"m","stream":true}`))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	time.Sleep(50 * ms)
	fields := []string{"Content-Type", "text/event-stream"}
	if encoding != "" {
		fields = append(fields, "Content-Encoding", encoding)
	}
	x.ResponseHead(200, header(fields...), tap.Now())
	for len(in) > 0 {
		if wait := in[0].at - tap.Now().Sub(start); wait > 0 {
			time.Sleep(wait)
		}
		var read []byte // all that came while the client was written to
		for len(in) > 0 && in[0].at <= tap.Now().Sub(start) && len(read) < 16<<10 {
			read = append(read, in[0].bytes...)
			in = in[1:]
		}
		came := tap.Now()
		time.Sleep(write)
		x.Chunk([][]byte{read}, came, tap.Now())
	}
	end(x)
	of.Wait()
}

func TestBufferingIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name     string
		in       []piece
		encoding string
		write    time.Duration // of the client
		want     bool
	}{
		{"a model that streams", generated(300, steady(20*ms)), "", 0, false},
		{"a model with an irregular pace", generated(300, func(int) time.Duration { return time.Duration(random.IntN(60)) * ms }), "", 0, false},
		{"the fastest of models", generated(2000, steady(330*time.Microsecond)), "", 0, false},
		{"a fast model, read ten milliseconds at a time", ticking(10 * ms)(generated(2000, steady(ms))), "", 0, false},
		{"a proxy that fills a page", full(4 << 10)(generated(300, steady(20*ms))), "", 0, true},
		{"a proxy that fills two pages", full(8 << 10)(generated(300, steady(20*ms))), "", 0, true},
		{"a proxy that keeps everything to the end", full(1 << 20)(generated(300, steady(20*ms))), "", 0, true},
		{"a short answer that was kept to the end", full(1 << 20)(generated(12, steady(20*ms))), "", 0, true},
		{"a proxy that compresses without a flush", zipped(generated(2000, steady(20*ms))), "gzip", 0, true},
		{"a content filter that looks at a second of text", ticking(time.Second)(generated(300, steady(20*ms))), "", 0, true},
		{"a content filter that looks at half a second of text", ticking(500 * ms)(generated(300, steady(25*ms))), "", 0, true},
		{"speculative decoding, three chunks a step", generated(300, inSteps(3, 60*ms)), "", 0, false},
		{"speculative decoding, eight chunks a step", generated(320, inSteps(8, 120*ms)), "", 0, false},
		{"two chunks in every read", paired(generated(300, steady(30*ms))), "", 0, false},
		{"twenty seconds of hidden thought, then an answer", after(20*time.Second, generated(40, steady(10*ms))), "", 0, false},
		{"a lost packet", lossy(time.Second)(generated(300, steady(10*ms))), "", 0, false},
		{"a client that reads slowly", generated(300, steady(5*ms)), "", 100 * ms, false},
		{"an answer too short to tell", full(1 << 20)(generated(6, steady(20*ms))), "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, told := newTap()
				relayed(of, tt.in, tt.encoding, tt.write)
				r := told.only(t)
				if got := r.Bursts.Buffered(); got != tt.want || slices.Contains(r.Notes, "upstream_buffering") != got {
					t.Errorf("buffered %v: %d of %d chunks in bursts, notes %q; want %v", got, r.Bursts.Chunks, r.Bursts.Of, r.Notes, tt.want)
				}
			})
		})
	}
}

func TestBufferingIsCountedForSomeMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, _ := newTap()
		good, bad := generated(20, steady(20*ms)), full(1<<20)(generated(20, steady(20*ms)))
		want := func(when string, streams, buffered int) {
			t.Helper()
			list := []exchange.Buffering{}
			if streams > 0 {
				list = append(list, exchange.Buffering{Operation: "chat", Model: "m", Upstream: "model:8000", Streams: streams, Buffered: buffered})
			}
			if got := of.Buffering(); !slices.Equal(got, list) {
				t.Errorf("%s: %+v, want %+v", when, got, list)
			}
		}
		want("before any stream", 0, 0)
		relayed(of, good, "", 0)
		relayed(of, bad, "", 0)
		want("after one of each", 2, 1)
		time.Sleep(6 * time.Minute)
		relayed(of, bad, "", 0)
		want("in the next period", 3, 2)
		time.Sleep(6 * time.Minute)
		want("when the first two are old", 1, 1)
		time.Sleep(11 * time.Minute)
		want("when all are old", 0, 0)
	})
}

// A canary meets other conditions than the traffic of users.
func TestCanariesAreNotAmongTheBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap()
		r := chat()
		r.Origin = exchange.Canary
		x := of.Begin(r)
		x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
		time.Sleep(time.Second)
		var all bytes.Buffer
		for _, s := range generated(20, steady(0)) {
			_, _ = io.Copy(&all, bytes.NewReader(s.bytes))
		}
		chunk(x, all.String())
		end(x)
		if got := told.only(t); !got.Bursts.Buffered() || len(of.Buffering()) != 0 {
			t.Errorf("%+v, %+v", got.Bursts, of.Buffering())
		}
	})
}
