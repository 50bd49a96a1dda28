package frame_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// chunk is a document of the stream with that id.
func chunk(id, n int) []byte {
	return fmt.Appendf(nil, `{"id":"c-%d","seq":%d,"name":"n%d","list":[{"n":%d,"x":"unread"}],"end":{"a":0}}`, id, n, n, n)
}

// readers returns n readers that have read some documents each, of one format.
func readers(n int) []*frame.JSON {
	all := make([]*frame.JSON, n)
	for i := range all {
		j := frame.NewJSON(shape, &sum{})
		j.Repeating()
		for k := range 3 {
			j.Feed(chunk(i, k))
			j.Restart()
		}
		all[i] = &j
	}
	return all
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The readers of many streams share what they remember of their documents.
func TestReadersShareWhatRepeats(t *testing.T) {
	const n = 2000
	before := heap()
	all := readers(n)
	shared := (heap() - before) / n
	before = heap()
	plain := make([]*frame.JSON, n)
	for i := range plain {
		j := frame.NewJSON(shape, &sum{})
		plain[i] = &j
	}
	if alone := (heap() - before) / n; shared > alone+64 {
		t.Errorf("a reader of documents that repeat holds %d bytes, and any other %d", shared, alone)
	}
	runtime.KeepAlive(all)
	runtime.KeepAlive(plain)
}

// Readers on several goroutines play one recording, and each emits what a plain one does.
func TestReadersPlayOneRecordingAtOnce(t *testing.T) {
	first := readers(1) // which others may play
	var all sync.WaitGroup
	for id := range 8 {
		all.Go(func() {
			v := &values{}
			j := frame.NewJSON(shape, v)
			j.Repeating()
			for n := range 200 {
				doc := chunk(id, n)
				v.lines = nil
				if got, want := feed(&j, v, [][]byte{doc}), readJSON(doc); !slices.Equal(got, want) {
					t.Errorf("%s:\n got %q\nwant %q", doc, got, want)
					return
				}
				j.Restart()
			}
		})
	}
	all.Wait()
	runtime.KeepAlive(first)
}
