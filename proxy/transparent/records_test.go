package transparent_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/proxy/transparent"
)

// record is a record of the given type with n bytes in it.
func record(kind byte, n int) []byte {
	return append([]byte{kind, 3, 3, byte(n >> 8), byte(n)}, bytes.Repeat([]byte{kind}, n)...)
}

// whole is a record that a test puts together from its pieces.
type whole struct {
	kind   uint8
	length int
	data   string
	ended  bool
}

// gather reads p in pieces whose lengths cut chooses.
func gather(p []byte, cut func(left int) int) (list []whole, err error) {
	var r transparent.Records
	for len(p) > 0 {
		n := cut(len(p))
		read := p[:n]
		p = p[n:]
		for len(read) > 0 {
			var piece transparent.Piece
			if piece, read, err = r.Next(read); err != nil {
				return list, err
			}
			if piece.First {
				list = append(list, whole{kind: piece.Type, length: piece.Length})
			}
			if piece.Type != 0 {
				last := &list[len(list)-1]
				last.data += string(piece.Data)
				last.ended = piece.Last
			}
		}
	}
	return list, nil
}

func atOnce(left int) int   { return left }
func byteByByte(int) int    { return 1 }
func inThrees(left int) int { return min(3, left) }

func TestRecordsFollowTheStreamHoweverItIsCut(t *testing.T) {
	stream := slices.Concat(record(22, 300), record(20, 1), record(23, 0), record(23, 17), record(21, 2), record(23, 9)[:11])
	want := []whole{{22, 300, "", true}, {20, 1, "", true}, {23, 0, "", true}, {23, 17, "", true}, {21, 2, "", true}, {23, 9, "", false}}
	for i := range want {
		n := want[i].length
		if !want[i].ended {
			n = 6
		}
		want[i].data = string(bytes.Repeat([]byte{want[i].kind}, n))
	}
	for name, cut := range map[string]func(int) int{"at once": atOnce, "byte by byte": byteByByte, "in threes": inThrees} {
		t.Run(name, func(t *testing.T) {
			got, err := gather(stream, cut)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v (%v), want %+v", got, err, want)
			}
		})
	}
}

func TestRecordsRefuseWhatIsNone(t *testing.T) {
	for name, in := range map[string]string{
		"an unknown type":      "\x19\x03\x03\x00\x05",
		"a version before TLS": "\x17\x02\x03\x00\x05",
		"too long a record":    "\x17\x03\x03\x48\x01",
		"an empty handshake":   "\x16\x03\x03\x00\x00",
		"HTTP":                 "HTTP/1.1 400 Bad Request\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			stream := append(record(23, 3), in...)
			for _, cut := range []func(int) int{atOnce, byteByByte} {
				if got, err := gather(stream, cut); err == nil || len(got) != 1 {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

func TestRecordsAllocateNothing(t *testing.T) {
	stream := slices.Concat(record(23, 200), record(23, 300))
	var r transparent.Records
	if n := testing.AllocsPerRun(100, func() {
		for p := stream; len(p) > 0; {
			_, p, _ = r.Next(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzRecords checks that any cutting of the bytes gives the same records and end.
func FuzzRecords(f *testing.F) {
	f.Add(slices.Concat(record(22, 30), record(20, 1), record(23, 40)), uint64(1))
	f.Add([]byte("\x16\x03\x01\x00\x00"), uint64(2))
	f.Add([]byte("\x17\x03\x03\x00\x00\x17\x03\x03\x00"), uint64(3))
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		want, wantErr := gather(p, atOnce)
		got, gotErr := gather(p, func(left int) int { return 1 + random.IntN(left) })
		if !slices.Equal(got, want) || (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%+v (%v), want %+v (%v)", got, gotErr, want, wantErr)
		}
	})
}
