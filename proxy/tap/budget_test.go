package tap_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// counting is a tap whose decoder counts the bytes that it reads.
func counting() (of *tap.Tap, told *ledger, read *int) {
	read = new(int)
	of, told = newTap(&script{
		feed:  func(p []byte, _ time.Duration) { *read += len(p) },
		close: func() dialect.Reply { return dialect.Reply{Ask: dialect.Ask{Dialect: "script"}, Complete: true} },
	})
	return of, told, read
}

// respond opens an exchange whose response has the coding and begins with body.
func respond(of *tap.Tap, coding string, body []byte) *tap.Exchange {
	x := of.Begin(chat())
	x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", coding), tap.Now())
	chunk(x, string(body))
	return x
}

// packed returns n bytes of events, compressed.
func packed(coding string, n int) []byte {
	const event = "data:{}\n\n"
	return bytes.Join(compress(coding, strings.Repeat(event, n/len(event))), nil)
}

// TestWorkOfOneBodyIsBounded, and the decoder keeps all that it read up to there.
func TestWorkOfOneBodyIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name, coding string
		body         []byte
		least        int // bytes that the decoder reads
		stopped      bool
	}{
		{"gzip", "gzip", packed("gzip", 12<<20), 8 << 20, true},
		{"deflate", "deflate", packed("deflate", 12<<20), 8 << 20, true},
		{"brotli", "br", packed("br", 12<<20), 8 << 20, true},
		{"zstd", "zstd", packed("zstd", 12<<20), 8 << 20, true},
		{"below the bound", "br", packed("br", 7<<20), 7<<20 - 9, false},
		{"gzip within gzip", "gzip, gzip", bytes.Join(compress("gzip", string(packed("gzip", 12<<20))), nil), 7 << 20, true},
		{"a body of nothing but empty members", "gzip, br",
			bytes.Join(compress("br", strings.Repeat(string(bytes.Join(compress("gzip", ""), nil)), 1<<20)), nil), 0, true},
		{"empty members", "gzip", bytes.Repeat(bytes.Join(compress("gzip", ""), nil), 1<<17), 0, true},
		{"empty blocks", "gzip", append(bytes.Join(compress("gzip", ""), nil)[:10:10], bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), 1<<19)...), 0, true},
		{"empty frames", "zstd", bytes.Repeat(zstdWhole(nil), 1<<18), 0, true},
		{"frames to skip", "zstd", bytes.Repeat([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"), 1<<18), 0, true},
		{"an empty block now and then", "gzip",
			slices.Concat(bytes.Join(compress("gzip", ""), nil)[:10], bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), 1<<17), []byte("\x01\x00\x00\xff\xff"), make([]byte, 8)), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, told, read := counting()
			end(respond(of, tt.coding, tt.body))
			of.Wait()
			r := told.only(t)
			if most := 8<<20 + 25*len(tt.body); *read > most || *read < tt.least {
				t.Errorf("the decoder read %d bytes", *read)
			}
			noted := slices.Equal(r.Notes, []string{"decoder_work"})
			if noted != tt.stopped || (of.Detached()["work"] == 1) != tt.stopped || r.Outcome != exchange.OK {
				t.Errorf("notes %q, counted %v, outcome %q", r.Notes, of.Detached(), r.Outcome)
			}
		})
	}
}

// TestCountsBeforeTheBoundAreKept: a running count came early.
func TestCountsBeforeTheBoundAreKept(t *testing.T) {
	of, told := newTap()
	head := `data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}` + "\n\n"
	end(respond(of, "gzip", bytes.Join(compress("gzip", head+strings.Repeat(":\n", 6<<20)), nil)))
	of.Wait()
	r := told.only(t)
	if r.Model.Response != "m" || r.Chunks.Count != 1 || r.Usage.Input != exchange.Known(7) || r.Usage.Source != exchange.Running {
		t.Errorf("model %q, %d chunks, usage %+v", r.Model.Response, r.Chunks.Count, r.Usage)
	}
}

// TestExpansionIsBoundedTogether: bodies that each stay within their own bound use up
// what all may, which comes back with time. A body that expands no more than others do
// is read at any time.
func TestExpansionIsBoundedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, _, read := counting()
		body, fair := packed("zstd", 7<<20), []byte(strings.Repeat("data: {}\n\n", 3))
		for i, want := range []uint64{0, 0, 0, 0, 1, 2} {
			end(respond(of, "zstd", body))
			of.Wait()
			if n := of.Detached()["work"]; n != want {
				t.Fatalf("body %d: %d stopped, want %d", i+1, n, want)
			}
		}
		*read = 0
		end(respond(of, "gzip", bytes.Join(compress("gzip", string(fair)), nil)))
		of.Wait()
		if *read != len(fair) {
			t.Errorf("read %d bytes of a fair body", *read)
		}
		time.Sleep(4 * time.Second)
		for range 4 {
			end(respond(of, "zstd", body))
			of.Wait()
		}
		if n := of.Detached()["work"]; n != 2 {
			t.Errorf("%d stopped after a pause, want 2", n)
		}
	})
}

// TestFairExpansionHasNoBound: a dozen bytes of output for one of input, for as long as
// it likes.
func TestFairExpansionHasNoBound(t *testing.T) {
	part := make([]byte, 64<<10)
	for i := 0; i < len(part); i += 64 {
		binary.LittleEndian.PutUint32(part[i:], uint32(i/64)*2654435761)
	}
	body := bytes.Join(compress("gzip", slices.Repeat([]string{string(part)}, 160)...), nil)
	of, told, read := counting()
	x := respond(of, "gzip", nil)
	for p := range slices.Chunk(body, 16<<10) {
		chunk(x, string(p))
	}
	end(x)
	of.Wait()
	if r := told.only(t); *read != 160*len(part) || len(r.Notes) > 0 || *read < 10*len(body) {
		t.Errorf("read %d bytes made of %d, notes %q", *read, len(body), r.Notes)
	}
}

// brotliHead returns a brotli stream without its last byte, whose window has so many
// bits, and is full.
func brotliHead(bits, size int) []byte {
	var buf bytes.Buffer
	z := brotli.NewWriterOptions(&buf, brotli.WriterOptions{Quality: 5, LGWin: bits})
	_, _ = z.Write(make([]byte, size))
	_ = z.Close()
	return buf.Bytes()[:buf.Len()-1]
}

// zstdHead returns the start of a zstd stream with such a window.
func zstdHead(window int) []byte {
	var buf bytes.Buffer
	z, _ := zstd.NewWriter(&buf, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	_, _ = io.WriteString(z, "data: {}\n\n")
	_ = z.Flush()
	return buf.Bytes()
}

// zstdWhole returns a zstd frame that says the size of its content and has no window.
func zstdWhole(content []byte) []byte {
	z, _ := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	return z.EncodeAll(content, nil)
}

func TestWindowsAreBoundedTogether(t *testing.T) {
	const mib = 1 << 20
	skippable := []byte("\x50\x2a\x4d\x18\x05\x00\x00\x00-----")
	for _, tt := range []struct {
		name    string
		coding  string
		heads   [][]byte // of responses that are open at once
		stopped uint64
	}{
		{"two windows of brotli that fit", "br", slices.Repeat([][]byte{brotliHead(22, 4*mib)}, 2), 0},
		{"a third one", "br", slices.Repeat([][]byte{brotliHead(22, 4*mib)}, 3), 1},
		{"a large window of brotli with little in it", "br", slices.Repeat([][]byte{brotliHead(22, 1000)}, 50), 0},
		{"a window of brotli that never fits", "br", [][]byte{brotliHead(24, 1000)}, 1},
		{"a window of zstd that fits", "zstd", [][]byte{zstdHead(8 * mib)}, 0},
		{"a second one", "zstd", [][]byte{zstdHead(8 * mib), zstdHead(8 * mib)}, 1},
		{"a window of zstd that never fits", "zstd", [][]byte{zstdHead(16 * mib)}, 1},
		{"small windows of zstd", "zstd", slices.Repeat([][]byte{zstdHead(64 << 10)}, 300), 0},
		{"zstd behind a frame to skip", "zstd", [][]byte{slices.Concat(skippable, zstdHead(16*mib))}, 1},
		{"zstd in a later frame", "zstd", [][]byte{slices.Concat(zstdWhole([]byte("data: {}\n\n")), zstdHead(8*mib)), zstdHead(mib)}, 1},
		{"zstd that says its size", "zstd", [][]byte{zstdWhole(bytes.Repeat([]byte("0123456789"), mib))}, 1},
		{"gzip needs none", "gzip", slices.Repeat([][]byte{compress("gzip", "data: {}\n\n", "")[0]}, 300), 0},
		{"zstd within gzip", "zstd, gzip", slices.Repeat([][]byte{compress("gzip", string(zstdHead(8*mib)), "")[0]}, 2), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 1 << 20} {
				synctest.Test(t, func(t *testing.T) {
					of, told, _ := counting()
					var open []*tap.Exchange
					for _, head := range tt.heads {
						x := respond(of, tt.coding, nil)
						for p := range slices.Chunk(head, size) {
							chunk(x, string(p))
						}
						open = append(open, x)
						synctest.Wait()
					}
					time.Sleep(2 * time.Second)
					if n := of.Detached()["window"]; n != tt.stopped {
						t.Errorf("pieces of %d: %d stopped, want %d", size, n, tt.stopped)
					}
					for _, x := range open { // none of them is whole
						x.End(tap.Result{At: tap.Now(), Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrTruncated})
					}
					of.Wait()
					noted := 0
					for _, r := range told.records {
						if slices.Equal(r.Notes, []string{"decoder_window"}) {
							noted++
						} else if len(r.Notes) > 0 {
							t.Errorf("pieces of %d: notes %q", size, r.Notes)
						}
					}
					if noted != int(tt.stopped) {
						t.Errorf("pieces of %d: %d records say so", size, noted)
					}
				})
			}
		})
	}
}

// TestWindowComesBack: a body waits a moment for the window of another, loses nothing
// thereby, and then the next one finds it free.
func TestWindowComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told, read := counting()
		first := respond(of, "zstd", zstdHead(8<<20))
		synctest.Wait()
		second := respond(of, "zstd", zstdHead(8<<20))
		time.Sleep(900 * ms)
		if *read != len("data: {}\n\n") {
			t.Errorf("read %d bytes while the first is open", *read)
		}
		end(first)
		synctest.Wait()
		if *read != 2*len("data: {}\n\n") {
			t.Errorf("read %d bytes when the first has ended", *read)
		}
		end(second)
		of.Wait()
		for range 3 {
			end(respond(of, "zstd", zstdHead(8<<20)))
			of.Wait()
		}
		if n := of.Detached()["window"]; n != 0 || len(told.records) != 5 {
			t.Errorf("%d stopped, %d records", n, len(told.records))
		}
	})
}

// TestReasonsAreDocumented: an operator who reads a reason finds its case.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/definitions.md")
	if err != nil {
		t.Fatal(err)
	}
	of, _ := newTap()
	for reason := range of.Detached() {
		if !strings.Contains(string(page), "| `"+reason+"` | `decoder_"+reason+"` |") {
			t.Errorf("docs/definitions.md has no row for the reason %q", reason)
		}
	}
}

// steps is a dialect whose decoders count how many of them work at once, but for the first
// step of each.
type steps struct{ busy, most atomic.Int32 }

func (s *steps) Match(*dialect.Head) bool                 { return true }
func (s *steps) NewDecoder(*dialect.Head) dialect.Decoder { return &stepping{all: s} }

type stepping struct {
	script
	all   *steps
	begun bool
}

func (s *stepping) Feed([]byte, time.Duration) {
	if !s.begun {
		s.begun = true
		return
	}
	s.all.most.Store(max(s.all.most.Load(), s.all.busy.Add(1)))
	runtime.Gosched()
	s.all.busy.Add(-1)
}

// TestBulkTakesOneCore: of all inflaters that have more output than one step gives, one at
// a time takes a step.
func TestBulkTakesOneCore(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd", "gzip, br", "br, br"} {
		t.Run(coding, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := new(steps)
				of, told := newTap(all)
				body := []byte(strings.Repeat("data:{}\n\n", 1<<20/9))
				for name := range strings.SplitSeq(coding, ", ") {
					body = bytes.Join(compress(name, string(body)), nil)
				}
				var open []*tap.Exchange
				for range 8 {
					open = append(open, respond(of, coding, body))
				}
				for _, x := range open {
					x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK, Status: 200})
				}
				synctest.Wait()
				if len(told.records) != len(open) || all.most.Load() != 1 {
					t.Errorf("%d exchanges, %d steps at once; want %d and 1", len(told.records), all.most.Load(), len(open))
				}
			})
		})
	}
}
