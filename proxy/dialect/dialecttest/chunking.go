package dialecttest

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Decode reads an exchange that comes in pieces, all at one time.
func Decode(d dialect.Dialect, head *dialect.Head, ask, response [][]byte) dialect.Reply {
	decoder := d.NewDecoder(head)
	Feed(decoder.Request, ask)
	Feed(func(p []byte) { decoder.Feed(p, time.Millisecond) }, response)
	return decoder.Close()
}

// Feed hands pieces to a function in a buffer that it uses again for each of them, as a
// connection does.
func Feed(to func(p []byte), pieces [][]byte) {
	var buf []byte
	for _, p := range pieces {
		buf = append(buf[:0], p...)
		to(buf)
		for i := range buf {
			buf[i] = '#'
		}
	}
}

// Cut cuts p into pieces of random length, of up to most bytes.
func Cut(p []byte, r *rand.Rand, most int) (pieces [][]byte) {
	for len(p) > 0 {
		n := min(len(p), 1+r.IntN(most))
		pieces = append(pieces, p[:n])
		p = p[n:]
	}
	return pieces
}

// CheckChunking checks that the replies to the cases do not depend on how the bytes
// were cut.
func (s Suite) CheckChunking(t *testing.T) {
	for _, c := range s.Cases {
		t.Run(c.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 3))
			recorded := read(t, c.File)
			for range 20 {
				checkChunking(t, s.Dialect, c.head(recorded.contentType), []byte(c.Ask), recorded.body(), r)
			}
		})
	}
}

// Fuzz checks that no reply depends on how the bytes were cut. The cases are its seeds.
func (s Suite) Fuzz(f *testing.F) {
	for i, c := range s.Cases {
		recorded := read(f, c.File)
		f.Add([]byte(c.Ask), recorded.body(), recorded.contentType == "text/event-stream", uint64(i))
	}
	others := s.otherTypes(f)
	f.Fuzz(func(t *testing.T, ask, response []byte, events bool, seed uint64) {
		h := &dialect.Head{Response: dialect.Response{Status: 200}}
		if events {
			h.Response.ContentType = "text/event-stream"
		} else {
			h.Response.ContentType = others[seed%uint64(len(others))]
		}
		checkChunking(t, s.Dialect, h, ask, response, rand.New(rand.NewPCG(seed, 4)))
	})
}

// otherTypes lists the content types of the cases that are no streams of server-sent
// events, after none at all.
func (s Suite) otherTypes(t testing.TB) []string {
	types := []string{""}
	for _, c := range s.Cases {
		if of := read(t, c.File).contentType; of != "text/event-stream" && !slices.Contains(types, of) {
			types = append(types, of)
		}
	}
	return types
}

// checkChunking decodes an exchange in one piece and in many, and wants the same reply.
func checkChunking(t *testing.T, d dialect.Dialect, head *dialect.Head, ask, response []byte, r *rand.Rand) {
	t.Helper()
	want := Decode(d, head, [][]byte{ask}, [][]byte{response})
	for _, most := range []int{1, 4, 40, 700} {
		got := Decode(d, head, Cut(ask, r, most), Cut(response, r, most))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nin pieces of up to %d bytes\n got %s\nwant %s", response, most, Describe(got), Describe(want))
		}
	}
}
