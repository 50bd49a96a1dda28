package frame_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readWebSocket returns the messages of a direction that comes in pieces, and an event
// called lost if the reader gave up.
func readWebSocket(pieces ...[]byte) []event {
	return readFrames(func(*frame.WebSocket) {}, pieces)
}

// readDeflated does so where the two sides negotiated compression.
func readDeflated(pieces ...[]byte) []event {
	return readFrames(func(w *frame.WebSocket) { w.Deflate(new(frame.Inflaters), true, 100_000) }, pieces)
}

func readFrames(prepare func(*frame.WebSocket), pieces [][]byte) []event {
	e := &events{}
	w := frame.NewWebSocket(e)
	prepare(w)
	dialecttest.Feed(w.Feed, pieces)
	if w.Lost() {
		return append(e.list, event{name: "lost"})
	}
	return e.list
}

// wsFrame returns a frame: first is its first byte, and mask, if there is one, its mask.
func wsFrame(first byte, payload string, mask ...byte) string {
	b := []byte{first}
	bit := byte(0)
	if len(mask) > 0 {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	b = append(b, mask...)
	for i := range len(payload) {
		c := payload[i]
		if len(mask) > 0 {
			c ^= mask[i%4]
		}
		b = append(b, c)
	}
	return string(b)
}

// The first byte of a frame.
const (
	wholeText = 0x81
	openText  = 0x01
	goesOn    = 0x00
	lastPart  = 0x80
	deflate   = 0x40
)

// The first five cases are the examples of RFC 6455, section 5.7.
var webSocketCases = []streamCase{
	{"an unmasked message", fromHex("81 05 48 65 6c 6c 6f"), []event{{data: "Hello"}}},
	{"a masked message", fromHex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), []event{{data: "Hello"}}},
	{"a message in two frames", fromHex("01 03 48 65 6c 80 02 6c 6f"), []event{{data: "Hello"}}},
	{"a ping and a pong", fromHex("89 05 48 65 6c 6c 6f 8a 85 37 fa 21 3d 7f 9f 4d 51 58"), nil},
	{"256 binary bytes", "\x82\x7e\x01\x00" + strings.Repeat("b", 256), []event{{name: "binary", data: strings.Repeat("b", 256)}}},
	{"a long message", wsFrame(wholeText, strings.Repeat("long", 20_000), 1, 2, 3, 4), []event{{data: strings.Repeat("long", 20_000)}}},
	{"a ping between the frames of a message", wsFrame(openText, "Hel") + wsFrame(0x89, "x") + wsFrame(lastPart, "lo"), []event{{data: "Hello"}}},
	{"three frames", wsFrame(openText, "a", 9, 9, 9, 9) + wsFrame(goesOn, "") + wsFrame(lastPart, "b", 1, 2, 3, 4), []event{{data: "ab"}}},
	{"an empty message", wsFrame(wholeText, ""), []event{{}}},
	{"messages one after another", wsFrame(wholeText, "a") + wsFrame(0x82, "b") + wsFrame(wholeText, "c"),
		[]event{{data: "a"}, {name: "binary", data: "b"}, {data: "c"}}},
	{"a message behind a closing frame", wsFrame(wholeText, "a") + wsFrame(0x88, "\x03\xe8") + wsFrame(wholeText, "b"), []event{{data: "a"}}},
	{"the rest of a message behind a closing frame", wsFrame(openText, "a") + wsFrame(0x88, "") + wsFrame(lastPart, "b"), nil},
	{"no frames behind a closing frame", wsFrame(0x88, "") + "HTTP/1.1 200 OK\r\n", nil},
	{"cut", wsFrame(wholeText, "Hello")[:4], nil},
	{"a continuation of nothing", wsFrame(lastPart, "a"), []event{{name: "lost"}}},
	{"a message within a message", wsFrame(openText, "a") + wsFrame(wholeText, "b"), []event{{name: "lost"}}},
	{"an unknown operation", wsFrame(0x83, "a"), []event{{name: "lost"}}},
	{"compression that nobody negotiated", wsFrame(wholeText|deflate, "a"), []event{{name: "lost"}}},
	{"a ping in two frames", wsFrame(0x09, "a"), []event{{name: "lost"}}},
	{"a ping that is too long", wsFrame(0x89, strings.Repeat("a", 126)), []event{{name: "lost"}}},
	{"a length beyond all", "\x81\x7f" + strings.Repeat("\xff", 8), []event{{name: "lost"}}},
	{"no frames", "HTTP/1.1 200 OK\r\n", []event{{name: "lost"}}},
}

func TestWebSocket(t *testing.T) { checkStreams(t, readWebSocket, webSocketCases) }

// deflater compresses messages as a sender does whose messages refer to earlier ones.
type deflater struct {
	buf bytes.Buffer
	w   *flate.Writer
}

func (d *deflater) message(text string) string {
	if d.w == nil {
		d.w, _ = flate.NewWriter(&d.buf, 9)
	}
	d.buf.Reset()
	_, _ = d.w.Write([]byte(text))
	_ = d.w.Flush()
	return strings.TrimSuffix(d.buf.String(), "\x00\x00\xff\xff")
}

// The first five cases are the examples of RFC 7692, section 7.2.3. Another message may refer
// to the fifth.
func TestDeflatedWebSocket(t *testing.T) {
	d := &deflater{}
	again, large := d.message("Hello, hello"), d.message(strings.Repeat("large ", 20_000))
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 60_000)
	for i := range noise {
		noise[i] = byte('a' + random.IntN(26))
	}
	far := &deflater{}
	first, second := far.message(string(noise)), far.message(string(noise[40_000:]))
	checkStreams(t, readDeflated, []streamCase{
		{"a message", fromHex("c1 07 f2 48 cd c9 c9 07 00"), []event{{data: "Hello"}}},
		{"a message in two frames", fromHex("41 03 f2 48 cd 80 04 c9 c9 07 00"), []event{{data: "Hello"}}},
		{"a message that refers to the one before", fromHex("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00"), []event{{data: "Hello"}, {data: "Hello"}}},
		{"a block without compression", fromHex("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00"), []event{{data: "Hello"}}},
		{"a last block", fromHex("c1 08 f3 48 cd c9 c9 07 00 00 c1 05 f2 00 11 00 00"), []event{{data: "Hello"}, {data: "Hello"}}},
		{"a message without compression between", wsFrame(wholeText|deflate, again, 1, 2, 3, 4) + wsFrame(wholeText, "plain"), []event{{data: "Hello, hello"}, {data: "plain"}}},
		{"a reference across the window", wsFrame(wholeText|deflate, first) + wsFrame(wholeText|deflate, second), []event{{data: string(noise)}, {data: string(noise[40_000:])}}},
		{"a message that is too large inflated", wsFrame(wholeText|deflate, large), []event{{name: "lost"}}},
		{"a message that is too large compressed", wsFrame(openText|deflate, strings.Repeat("x", 100_001)), []event{{name: "lost"}}},
		{"no deflated data", wsFrame(wholeText|deflate, "\xff\xff\xff\xff"), []event{{name: "lost"}}},
	})
}

// A message is the same whether the decompressor has read the one before or not, also where
// its length fills the buffers between them.
func TestDeflatedMessagesFollowOneAnother(t *testing.T) {
	const text = `{"type":"response.output_text.delta","delta":" token"}`
	for _, every := range []int{0, 1, 3} {
		var want []event
		e := &events{}
		w := frame.NewWebSocket(e)
		w.Deflate(new(frame.Inflaters), true, 100_000)
		d := &deflater{}
		for i, size := range []int{50, 50, 4096, 50, 4095, 0, 4097, 50, 8192, 32 << 10, 50, 40_000, 50, 0, 0, 12_288, 1} {
			message := strings.Repeat(text, 1+size/len(text))[:size]
			want = append(want, event{data: message})
			w.Feed([]byte(wsFrame(wholeText|deflate, d.message(message))))
			if every > 0 && i%every == 0 {
				w.Rest()
			}
		}
		if !slices.Equal(e.list, want) {
			t.Errorf("a rest every %d messages: %d messages, want %d", every, len(e.list), len(want))
		}
	}
}

// What the reader says beside its messages.
func TestWebSocketTellsOfItsFrames(t *testing.T) {
	var binary, text []bool
	e := &events{}
	w := frame.NewWebSocket(e)
	w.Deflate(new(frame.Inflaters), true, 1000)
	see := func(in string) {
		w.Feed([]byte(in))
		binary = append(binary, w.Binary())
		text = append(text, w.Closed())
	}
	d := &deflater{}
	see(wsFrame(wholeText, "text"))
	see(wsFrame(0x82, "\x00\x01"))
	see(wsFrame(wholeText|deflate, d.message(strings.Repeat("a", 500))))
	see(wsFrame(0x88, "\x03\xe8"))
	if !slices.Equal(binary, []bool{false, true, false, false}) || !slices.Equal(text, []bool{false, false, false, true}) {
		t.Errorf("binary %v, closed %v", binary, text)
	}
	if in, out := w.Inflated(); in == 0 || in > 100 || out != 500 {
		t.Errorf("%d bytes inflated to %d", in, out)
	}
}

func BenchmarkWebSocket(b *testing.B) {
	const message = `{"type":"response.output_text.delta","item_id":"msg_68f1","output_index":1,"content_index":0,"delta":" token","logprobs":[],"sequence_number":12,"obfuscation":"abcdefghijkl"}`
	d := &deflater{}
	d.message(message)
	for _, c := range []struct{ name, frame string }{
		{"plain", wsFrame(wholeText, message)},
		{"masked", wsFrame(wholeText, message, 1, 2, 3, 4)},
		{"deflated", wsFrame(wholeText|deflate, d.message(message))},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := frame.NewWebSocket(nothing{})
			w.Deflate(new(frame.Inflaters), true, 1<<20)
			w.Feed([]byte(wsFrame(wholeText|deflate, (&deflater{}).message(message))))
			in := []byte(c.frame)
			b.ReportAllocs()
			for b.Loop() {
				w.Feed(in)
			}
			if w.Lost() {
				b.Fatal("lost")
			}
		})
	}
}

// nothing is a sink that reads nothing.
type nothing struct{}

func (nothing) Data([]byte)       {}
func (nothing) Event(frame.Event) {}

func FuzzWebSocket(f *testing.F) {
	for i, c := range webSocketCases {
		f.Add([]byte(c.in), uint64(i))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		want := readDeflated(in)
		if got := readDeflated(dialecttest.Cut(in, rand.New(rand.NewPCG(seed, 5)), 40)...); !slices.Equal(dataOf(got), dataOf(want)) {
			t.Errorf("\n got %v\nwant %v", got, want)
		}
	})
}

// dataOf leaves out the data of a message that the reader gave up.
func dataOf(list []event) []event {
	if n := len(list); n > 1 && list[n-1].name == "lost" {
		list = slices.Clone(list)
		list[n-1].data = ""
	}
	return list
}
