package tap_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// stored returns a gzip body of n bytes that are not compressed.
func stored(n int) []byte {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	_, _ = z.Write(make([]byte, n))
	_ = z.Close()
	return packed.Bytes()
}

// holding is a tap whose decoder reads nothing before release is closed, and a count of
// the bytes that it has read then.
func holding() (of *tap.Tap, told *ledger, release chan struct{}, read *atomic.Int64) {
	release, read = make(chan struct{}), new(atomic.Int64)
	of, told = newTap(&script{
		feed:  func(p []byte, _ time.Duration) { <-release; read.Add(int64(len(p))) },
		close: func() dialect.Reply { return dialect.Reply{Ask: dialect.Ask{Dialect: "script"}, Complete: true} },
	})
	return of, told, release, read
}

// TestInflaterThatFallsBehind never makes the relay wait. It stops when too many bytes
// wait for it, and loses nothing that came before.
func TestInflaterThatFallsBehind(t *testing.T) {
	for _, tt := range []struct {
		name       string
		size, read int
		stopped    bool
	}{
		{"in large reads", 7 << 20, 64 << 10, false},
		{"in small reads, which share times", 1 << 20, 100, false},
		{"too far", 10 << 20, 64 << 10, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, told, release, read := holding()
			x := of.Begin(chat())
			x.ResponseHead(200, header("Content-Encoding", "gzip"), tap.Now())
			body := stored(tt.size)
			for p := range slices.Chunk(body, tt.read) {
				chunk(x, string(p)) // none of them waits
			}
			if n := of.Detached()["overflow"]; (n == 1) != tt.stopped {
				t.Errorf("counted %d overflows", n)
			}
			end(x)
			close(release)
			of.Wait()
			r := told.only(t)
			if r.Outcome != exchange.OK || slices.Contains(r.Notes, "decoder_overflow") != tt.stopped || r.Bytes.Out != int64(len(body)) {
				t.Errorf("recorded %q, notes %q, %d bytes", r.Outcome, r.Notes, r.Bytes.Out)
			}
			got := int(read.Load())
			if whole := got == tt.size; whole == tt.stopped || got < min(7<<20, tt.size) {
				t.Errorf("read %d bytes of %d", got, tt.size)
			}
		})
	}
}

// TestWaitingBytesAreBoundedTogether: who comes first may wait, and the room comes back.
func TestWaitingBytesAreBoundedTogether(t *testing.T) {
	of, _, release, _ := holding()
	body := stored(6 << 20)
	fill := func() *tap.Exchange {
		x := of.Begin(chat())
		x.ResponseHead(200, header("Content-Encoding", "gzip"), tap.Now())
		for p := range slices.Chunk(body, 64<<10) {
			chunk(x, string(p))
		}
		return x
	}
	var open []*tap.Exchange
	for i, want := range []uint64{0, 0, 1, 2} {
		open = append(open, fill())
		if n := of.Detached()["overflow"]; n != want {
			t.Fatalf("%d bodies of 6 MiB wait: %d overflows, want %d", i+1, n, want)
		}
	}
	close(release)
	for range 5 {
		for _, x := range open {
			end(x)
		}
		of.Wait()
		open = []*tap.Exchange{fill(), fill()}
	}
	if n := of.Detached()["overflow"]; n != 2 {
		t.Errorf("%d overflows, 2 of them before all was read", n)
	}
	for _, x := range open {
		end(x)
	}
	of.Wait()
}

// TestBytesThatWaitedKeepTheirTimes as long as they are no more reads than are kept apart.
func TestBytesThatWaitedKeepTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var parts []string
		for i := range 200 {
			parts = append(parts, fmt.Sprintf("%3d.", i))
		}
		release := make(chan struct{})
		got := map[string]time.Duration{}
		of, _ := newTap(&script{feed: func(p []byte, at time.Duration) {
			<-release
			for part := range strings.SplitSeq(strings.TrimSuffix(string(p), "."), ".") {
				got[part] = at
			}
		}})
		x := of.Begin(chat())
		x.ResponseHead(200, header("Content-Encoding", "gzip"), tap.Now())
		for _, p := range compress("gzip", parts...) {
			time.Sleep(ms)
			chunk(x, string(p))
		}
		end(x)
		close(release)
		of.Wait()
		for i := range parts {
			if at := got[fmt.Sprintf("%3d", i)]; at != time.Duration(i+1)*ms {
				t.Errorf("part %d has the time %v", i, at)
			}
		}
	})
}

// TestUsageAtTheEndOfAFastBodyIsRead: 200 rows of embeddings come at once, and say at the
// end how many tokens they cost.
func TestUsageAtTheEndOfAFastBodyIsRead(t *testing.T) {
	var body strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	body.WriteString(`{"object":"list","data":[`)
	for row := range 200 {
		fmt.Fprintf(&body, `{"object":"embedding","index":%d,"embedding":[0`, row)
		for range 1536 {
			fmt.Fprintf(&body, ",%.17g", random.NormFloat64())
		}
		body.WriteString("]},")
	}
	body.WriteString(`{}],"model":"m","usage":{"prompt_tokens":1600,"total_tokens":1600}}`)
	for _, coding := range []string{"gzip", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			packed := bytes.Join(compress(coding, body.String()), nil)
			of, told := newTap()
			request := chat()
			request.Path = "/v1/embeddings"
			x := of.Begin(request)
			x.ResponseHead(200, header("Content-Type", "application/json", "Content-Encoding", coding), tap.Now())
			for p := range slices.Chunk(packed, 16<<10) {
				x.Chunk([][]byte{p}, tap.Now(), tap.Now())
			}
			end(x)
			of.Wait()
			if r := told.only(t); r.Usage.Input != exchange.Known(1600) || r.Usage.Source != exchange.Reported || len(r.Notes) > 0 {
				t.Errorf("%d bytes of %d: usage %+v, notes %q", len(packed), body.Len(), r.Usage, r.Notes)
			}
		})
	}
}
