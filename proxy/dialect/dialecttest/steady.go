package dialecttest

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Steady is the middle of a stream, where one event is much like the next.
type Steady struct {
	Name    string
	Dialect dialect.Dialect
	// Event is one event, a format of fmt: %[1]s is where its text goes, %[2]d a number
	// that grows, and %[3]s padding of varying length.
	Event string
	// Form is how the response comes, as the ending of a Case's file has it; empty is .sse.
	Form string
	// Unknown says that the API has no such event: headway finds no content in it.
	Unknown bool
}

// Benchmark measures how long an event takes to decode, and its CPU time where the system
// tells it: other work of the machine changes that less.
func (s Steady) Benchmark(b *testing.B) {
	events := s.events()
	decoder := s.start(events)
	b.SetBytes(int64(len(events[0])))
	b.ReportAllocs()
	at := time.Second
	i := 0
	before, told := CPUTime()
	for b.Loop() {
		at += 20 * time.Millisecond
		decoder.Feed(events[i%len(events)], at)
		i++
	}
	b.ReportMetric(float64(len(events[0])), "event-bytes")
	if after, _ := CPUTime(); told {
		b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/op")
	}
}

// CheckAllocations checks that an event allocates nothing, and is a content chunk unless
// it is unknown.
func (s Steady) CheckAllocations(t *testing.T) {
	const chunks = 5000
	events := s.events()
	decoder := s.start(events)
	at := time.Second
	i := 0
	if n := testing.AllocsPerRun(chunks, func() {
		at += 20 * time.Millisecond
		decoder.Feed(events[i%len(events)], at)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a chunk, want 0", n)
	}
	reply := decoder.Close()
	want := len(events) + chunks + 1
	if reply.Events != want {
		t.Errorf("%d events, want %d", reply.Events, want)
	}
	if s.Unknown {
		want = 0
	}
	if got := reply.Chunks.Count; got != want {
		t.Errorf("%d content chunks, want %d", got, want)
	}
}

// events fills texts that make a stream into the event.
func (s Steady) events() (filled [][]byte) {
	for i, text := range []string{" the", " quick", `\n`, " brown", " fox", " jumps over", ` \"a`, " lazy"} {
		e := fmt.Sprintf(s.Event, text, 10+i, "aZ3kQxW9"[:8-i])
		e, _, _ = strings.Cut(e, "%!(EXTRA") // the arguments for which the event has no place
		filled = append(filled, bytes.Join(forms[s.form()].cut([]byte(e)), nil))
	}
	return filled
}

func (s Steady) form() string { return cmp.Or(s.Form, ".sse") }

// start returns a decoder in the middle of the stream.
func (s Steady) start(events [][]byte) dialect.Decoder {
	h := &dialect.Head{Method: "POST"}
	decoder := s.Dialect.NewDecoder(h)
	decoder.Request([]byte(`{"model":"m","stream":true}`))
	h.Response = dialect.Response{Status: 200, ContentType: forms[s.form()].contentType}
	for i, e := range events {
		decoder.Feed(e, time.Duration(1+i)*time.Millisecond)
	}
	return decoder
}

// Large is a response of 64 MiB, most of which is one part repeated.
type Large struct {
	Name             string
	Dialect          dialect.Dialect
	Start, Part, End []byte
	ContentType      string
	Want             string // as Describe has it
}

// Check reads the response and checks that its parts allocate nothing.
func (l Large) Check(t *testing.T) {
	parts := 64 << 20 / len(l.Part)
	decoder := l.Dialect.NewDecoder(&dialect.Head{Response: dialect.Response{Status: 200, ContentType: l.ContentType}})
	decoder.Feed(l.Start, time.Millisecond)
	decoder.Feed(l.Part, time.Millisecond)
	if n := testing.AllocsPerRun(parts-2, func() { decoder.Feed(l.Part, time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations in %d bytes, want 0", n, len(l.Part))
	}
	decoder.Feed(l.End, time.Millisecond)
	if got := Describe(decoder.Close()); got != l.Want {
		t.Errorf("\n got %s\nwant %s", got, l.Want)
	}
}
