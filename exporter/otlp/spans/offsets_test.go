package spans_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func chunksAt(at ...time.Duration) *exchange.Chunks {
	var c exchange.Chunks
	for _, at := range at {
		c.Add(exchange.Chunk{At: at, Tokens: 1})
	}
	return &c
}

func TestOffsetsAreWrittenShort(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		name string
		at   []time.Duration
		want string
	}{
		{"none", nil, ""},
		{"with decimals where there are any", []time.Duration{214_000 * us, 232_300 * us, 250_200 * us, 250_200 * us, 271_200 * us}, "214 18.3 17.9 0 21"},
		{"without adding up errors", []time.Duration{40 * us, 80 * us, 120 * us, 160 * us, 200 * us}, "0 0.1 0 0.1 0"},
		{"of all lengths", []time.Duration{50 * us, 9_950 * us, 109_950 * us, 100_109_950 * us}, "0.1 9.9 100 100000"},
	} {
		if got := string(spans.AppendOffsets([]byte("x"), chunksAt(c.at...))); got != "x"+c.want {
			t.Errorf("%s: got %q, want %q", c.name, got[1:], c.want)
		}
	}
}

func TestOffsetsAreBounded(t *testing.T) {
	var c exchange.Chunks
	for i := range 5000 {
		c.Add(exchange.Chunk{At: time.Duration(i) * 18_300 * time.Microsecond})
	}
	text := string(spans.AppendOffsets(nil, &c))
	if len(text) > spans.MaxOffsets || len(text) < spans.MaxOffsets-len(" 18.3") {
		t.Errorf("%d bytes", len(text))
	}
	offsets, err := spans.Offsets(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range offsets {
		if want := time.Duration(i) * 18_300 * time.Microsecond; at != want {
			t.Fatalf("offset %d is %v, not %v", i, at, want)
		}
	}
}

func TestWhatAreNoOffsetsIsRefused(t *testing.T) {
	for _, text := range []string{" ", "1 ", "1  2", "-1", "+1", "1.", "1.23", ".5", "1,5", "a", "1e3", "999999999999999 999999999999999", "1234567890123456"} {
		if got, err := spans.Offsets(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// Offsets returns the offsets of all chunks that fit, rounded to 0.1 ms.
func FuzzOffsets(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 0, 0, 0, 0, 255, 255, 255, 3})
	f.Add([]byte(strings.Repeat("\x7c\x47\x00\x00", 1000)))
	f.Fuzz(func(t *testing.T, p []byte) {
		var c exchange.Chunks
		at := time.Duration(0)
		var want []time.Duration
		for ; len(p) >= 4; p = p[4:] {
			at += time.Duration(binary.LittleEndian.Uint32(p)) * time.Microsecond
			c.Add(exchange.Chunk{At: at})
			want = append(want, at.Round(100*time.Microsecond))
		}
		text := string(spans.AppendOffsets(nil, &c))
		got, err := spans.Offsets(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
		if len(got) < c.Kept() && len(text) < spans.MaxOffsets-16 {
			t.Fatalf("only %d of %d chunks in %d bytes", len(got), c.Kept(), len(text))
		}
		if len(text) > spans.MaxOffsets {
			t.Fatalf("%d bytes", len(text))
		}
	})
}

func FuzzReadOffsets(f *testing.F) {
	f.Add("214 18.3 17.9 0 21")
	f.Add("99999999999999.9 0.1")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := spans.Offsets(text)
		if err == nil && !slices.IsSorted(got) {
			t.Fatalf("%q: %v", text, got)
		}
	})
}
