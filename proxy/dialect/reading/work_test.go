package reading_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

// A decoder that rests between two events of a stream holds no more than what it has learnt,
// and goes on as if it had not rested.
func TestDecoderRests(t *testing.T) {
	event := func(n int) []byte {
		return fmt.Appendf(nil, `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"say \"%d\""},"finish_reason":null}]}`+"\n\n", n)
	}
	chat := openai.Chat()
	begin := func() dialect.Decoder {
		h := &dialect.Head{Method: "POST", Path: "/v1/chat/completions"}
		d := chat.NewDecoder(h)
		d.Request([]byte(`{"model":"m","stream":true}`))
		h.Response = dialect.Response{Status: 200, ContentType: "text/event-stream"}
		return d
	}
	const n = 2000
	held := make([]dialect.Decoder, n)
	before := liveHeap()
	for i := range held {
		held[i] = begin()
		for k := range 4 {
			e := event(k)
			at := time.Duration(k+1) * time.Millisecond
			held[i].Feed(e[:len(e)/2], at) // a decoder must not rest here, and does not
			held[i].(interface{ Rest() }).Rest()
			held[i].Feed(e[len(e)/2:], at)
			held[i].(interface{ Rest() }).Rest()
		}
	}
	if each := (liveHeap() - before) / n; each > 1700 { // 1,280 and its head, and a few small things
		t.Errorf("a decoder at rest holds %d bytes", each)
	}
	for _, d := range held {
		if r := d.Close(); r.Chunks.Count != 4 || r.Chunks.Bytes() != 4*7 || r.Model != "m" || r.Ask.Model != "m" || len(r.Notes) > 0 {
			t.Fatalf("read %+v", r)
		}
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
