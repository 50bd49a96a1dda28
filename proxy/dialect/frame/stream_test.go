package frame_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// event is an event of a stream, in one piece.
type event struct {
	name, data                    string
	unterminated, failed, corrupt bool
	bare                          bool
}

// events is a sink that gathers the events of a stream.
type events struct {
	list []event
	data []byte
}

func (e *events) Data(p []byte) { e.data = append(e.data, p...) }

func (e *events) Event(end frame.Event) {
	e.list = append(e.list, event{string(end.Name), string(e.data), end.Unterminated, end.Failed, end.Corrupt, end.Bare})
	e.data = nil
}

// read feeds the pieces to stream, whose sink is e, and returns the events.
func (e *events) read(stream interface {
	Feed(p []byte)
	Close()
}, pieces [][]byte) []event {
	dialecttest.Feed(stream.Feed, pieces)
	stream.Close()
	return e.list
}

// streamCase is a stream and its events.
type streamCase struct {
	name, in string
	want     []event
}

// checkStreams reads every stream in one piece and byte by byte, and wants its events.
func checkStreams(t *testing.T, read func(pieces ...[]byte) []event, cases []streamCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := read([]byte(c.in)); !slices.Equal(got, c.want) {
				t.Errorf("in one piece:\n got %v\nwant %v", got, c.want)
			}
			if got := read(dialecttest.Cut([]byte(c.in), rand.New(rand.NewPCG(1, 1)), 1)...); !slices.Equal(got, c.want) {
				t.Errorf("byte by byte:\n got %v\nwant %v", got, c.want)
			}
		})
	}
}

// checkCuts reads a stream in pieces of random length, and wants the events of want.
func checkCuts(t *testing.T, read func(pieces ...[]byte) []event, in []byte, want []event, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	for _, most := range []int{1, 3, 20} {
		if got := read(dialecttest.Cut(in, r, most)...); !slices.Equal(got, want) {
			t.Fatalf("in pieces of up to %d bytes:\n got %v\nwant %v", most, got, want)
		}
	}
}
