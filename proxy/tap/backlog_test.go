package tap

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// fed is a decoder that keeps all that it gets.
type fed struct {
	dialect.Decoder

	reads []string
}

func (f *fed) Feed(p []byte, at time.Duration) { f.reads = append(f.reads, read(p, at)) }

func read(p []byte, at time.Duration) string { return fmt.Sprintf("%v %q", at, p) }

// passed returns reads as they come out of a backlog, which is drained when it is full, and
// how many at most waited in it.
func passed(t *testing.T, reads [][]byte) (got []string, most int) {
	t.Helper()
	b, d, room := new(backlog), new(fed), new(restored)
	for i, p := range reads {
		at := time.Second + time.Duration(i)*20*time.Millisecond
		if !b.add(p, at) {
			if b.n > 0 {
				b.drain(d, room)
			}
			if !b.add(p, at) {
				d.Feed(p, at)
			}
		}
		most = max(most, int(b.n))
	}
	if b.n > 0 {
		b.drain(d, room)
	}
	return d.reads, most
}

func TestBacklogGivesWhatItGot(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reads []string
		most  int // reads that wait together
	}{
		{"equal reads", slices.Repeat([]string{`data: {"delta":"a"}`}, 30), backlogReads},
		{"values of other lengths", []string{`{"id":"a","seq":9,"delta":"x","pad":""}`, `{"id":"a","seq":10,"delta":" yes","pad":"abc"}`, `{"id":"a","seq":11,"delta":"","pad":"a"}`}, 3},
		{"escaped quotes", []string{`{"delta":"x"}`, `{"delta":"\"x\""}`, `{"delta":"\\\"","n":1}`}, 3},
		{"shorter and longer", []string{`abcdef`, `abc`, ``, `abcdefghi`, `a"b"c"d`, `"""`, `"`}, 7},
		{"nothing in common", []string{string(make([]byte, 300)), string(slices.Repeat([]byte{1}, 200)), `x`}, 3},
		{"one that fits nowhere", []string{`abc`, string(slices.Repeat([]byte{1}, 5000)), `abd`}, 1},
		{"much that is gone", []string{`{"long":"` + string(slices.Repeat([]byte("y"), 400)) + `","n":1}`, `{"long":"z","n":1}`}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var in [][]byte
			var want []string
			for i, s := range tt.reads {
				in = append(in, []byte(s))
				want = append(want, read([]byte(s), time.Second+time.Duration(i)*20*time.Millisecond))
			}
			got, most := passed(t, in)
			if !slices.Equal(got, want) {
				t.Errorf("\n got %q\nwant %q", got, want)
			}
			if most != tt.most {
				t.Errorf("%d reads waited together, want %d", most, tt.most)
			}
		})
	}
}

// A backlog has room for moments of four seconds, and no other one goes in.
func TestBacklogKeepsMomentsExact(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		fits  bool
	}{{1, true}, {math.MaxUint32, true}, {math.MaxUint32 + 1, false}, {-1, false}} {
		b, d := new(backlog), new(fed)
		b.add([]byte("a"), time.Minute)
		fits := b.add([]byte("b"), time.Minute+tt.after)
		if fits != tt.fits {
			t.Errorf("%v later: fits is %v", tt.after, fits)
		}
		b.drain(d, new(restored))
		if want := read([]byte("b"), time.Minute+tt.after); fits && d.reads[1] != want {
			t.Errorf("got %s, want %s", d.reads[1], want)
		}
	}
}

func FuzzBacklog(f *testing.F) {
	f.Add([]byte(`{"delta":"a"}`), []byte(`{"delta":"bc"}`), []byte(`{"delta":"","x":1}`))
	f.Add([]byte(`""`), []byte(`"\""`), []byte(`a`))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		in := [][]byte{a, b, c, b, a, c, a}
		var want []string
		for i, p := range in {
			want = append(want, read(p, time.Second+time.Duration(i)*20*time.Millisecond))
		}
		if got, _ := passed(t, in); !slices.Equal(got, want) {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
	})
}
