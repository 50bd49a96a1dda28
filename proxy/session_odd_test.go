package proxy_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Whatever passes in a session arrives unchanged, and the Records say what it was.
func TestOddFramesOfASession(t *testing.T) {
	const (
		ask    = `{"type":"response.create","model":"m","input":"Hi"}`
		begin  = `{"type":"response.created","response":{"id":"r1","model":"m-1"}}`
		hello  = `{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}`
		finish = `{"type":"response.completed","response":{"id":"r1","status":"completed","model":"m-1","usage":{"input_tokens":7,"output_tokens":2}}}`
	)
	large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	for _, tt := range []struct {
		name         string
		asks, answer []string // messages
		clientMasks  bool
		serverMasks  bool
		behind       string // bytes of the server that are no frames
		mode         exchange.Mode
		tokens       int64
	}{
		{name: "messages of 16 MiB", asks: []string{strings.Replace(ask, "Hi", large, 1)}, answer: []string{begin, strings.Replace(hello, "Hi", large, 1), finish}, clientMasks: true, mode: exchange.Explicit, tokens: 2},
		{name: "a client that does not mask", asks: []string{ask}, answer: []string{begin, hello, finish}, mode: exchange.Explicit, tokens: 2},
		{name: "a server that masks", asks: []string{ask}, answer: []string{begin, hello, finish}, clientMasks: true, serverMasks: true, mode: exchange.Explicit, tokens: 2},
		{name: "no frames in an answer", asks: []string{ask}, answer: []string{begin, hello}, clientMasks: true, behind: "HTTP/1.1 200 OK\r\n\r\n", mode: exchange.Upgraded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up, down := inFrames(tt.asks, tt.clientMasks), inFrames(tt.answer, tt.serverMasks)+tt.behind
			u := newUpstream(t, func(p *peer) {
				p.head()
				p.send(switched)
				p.expect(up)
				p.send(down)
			})
			f := newFixture(t, u.url)
			c := f.dial()
			c.send(strings.Replace(upgrade, "realtime", "responses", 1))
			c.expect(switched)
			c.send(up)
			c.expect(down)
			c.expectEnd()
			_ = c.Close()
			r := f.record()
			if r.Outcome != exchange.OK || r.Mode != tt.mode || r.Model.Request != "m" && tt.tokens > 0 || r.Usage.Output.N != tt.tokens || len(r.Notes) > 0 {
				t.Errorf("the answer: %+v", r)
			}
			if tt.tokens > 0 && (r.Timing.FirstToken == 0 || r.Chunks.Count != 1 || r.Bytes.In != length(tt.asks) || r.Bytes.Out != length(tt.answer)) {
				t.Errorf("the answer: %+v", r)
			}
			opener := f.record()
			if opener.Mode != exchange.Upgraded || opener.Bytes.In != int64(len(up)) || opener.Bytes.Out != int64(len(down)) || slices.Contains(opener.Notes, "session_unread") != (tt.behind != "") {
				t.Errorf("the session itself: %+v", opener)
			}
		})
	}
}

func length(messages []string) (n int64) {
	for _, m := range messages {
		n += int64(len(m))
	}
	return n
}

// inFrames puts each message of text into a frame.
func inFrames(messages []string, masked bool) string {
	b, bit := []byte{}, byte(0)
	if masked {
		bit = 0x80
	}
	for _, m := range messages {
		switch n := len(m); {
		case n < 126:
			b = append(b, 0x81, bit|byte(n))
		case n < 1<<16:
			b = binary.BigEndian.AppendUint16(append(b, 0x81, bit|126), uint16(n))
		default:
			b = binary.BigEndian.AppendUint64(append(b, 0x81, bit|127), uint64(n))
		}
		mask := [4]byte{}
		if masked {
			mask = [4]byte{1, 2, 3, 4}
			b = append(b, mask[:]...)
		}
		for i := range len(m) {
			b = append(b, m[i]^mask[i%4])
		}
	}
	return string(b)
}
