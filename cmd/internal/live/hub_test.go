package live

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/turn"
)

// counted is what a hub has asked of its sources.
type counted struct {
	samples atomic.Int64
	fresh   atomic.Int64
}

// hubOver returns a hub over so many open streams.
func hubOver(streams int) (*Hub, *counted) {
	var c counted
	start := time.Now()
	return NewHub(Sources{
		View: NewView(time.Now),
		Open: func(dst []exchange.Open) []exchange.Open {
			n := int(c.samples.Add(1))
			for i := range streams {
				dst = append(dst, exchange.Open{
					ID: uint64(i + 1), Start: start, Model: "m", Upstream: "model:80", Asked: 1, Head: 2, FirstToken: 3,
					LastToken: time.Duration(3 + 5*n), Chunks: 5 * n, Tokens: int64(5 * n),
				})
			}
			return dst
		},
		KeepFresh: func(age time.Duration) { c.fresh.Store(int64(age)) },
		Chains:    func(int) []chain.Summary { return nil },
		Turns:     func(int) []turn.Summary { return nil },
	}), &c
}

// drain reads all messages of v until the hub drops it.
func drain(v *viewer) {
	for range v.messages {
	}
}

func TestHubSamplesManyStreamsLessOften(t *testing.T) {
	for streams, every := range map[int]time.Duration{250: hubEvery, 251: 2 * hubEvery, 501: 4 * hubEvery} {
		synctest.Test(t, func(t *testing.T) {
			h, c := hubOver(streams)
			v := h.join()
			go drain(v)
			time.Sleep(5*time.Second + hubEvery/2)
			before := c.samples.Load()
			time.Sleep(10 * time.Second)
			if n := c.samples.Load() - before; n != int64(10*time.Second/every) || c.fresh.Load() != int64(every) {
				t.Errorf("%d streams: %d samples within 10 s, fresh %v", streams, n, time.Duration(c.fresh.Load()))
			}
			h.leave(v)
			time.Sleep(every) // until the hub notices
		})
	}
}

func TestHubSamplesOnlyWhileSomebodyViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := hubOver(3)
		time.Sleep(time.Minute)
		if c.samples.Load() != 0 {
			t.Errorf("%d samples before the first viewer", c.samples.Load())
		}
		a, b := h.join(), h.join()
		go drain(a)
		go drain(b)
		time.Sleep(10*time.Second + hubEvery/2)
		if n := c.samples.Load(); n != int64(10*time.Second/hubEvery)+1 || c.fresh.Load() != int64(hubEvery) {
			t.Errorf("%d samples for two viewers within 10 s, fresh %v", n, time.Duration(c.fresh.Load()))
		}
		h.leave(a)
		h.leave(b)
		time.Sleep(time.Second)
		after := c.samples.Load()
		time.Sleep(time.Minute)
		if c.samples.Load() != after || c.fresh.Load() != 0 {
			t.Errorf("%d samples after the last viewer, fresh %v", c.samples.Load()-after, time.Duration(c.fresh.Load()))
		}
		again := h.join()
		time.Sleep(time.Second)
		if len(again.messages) == 0 {
			t.Error("a later viewer gets nothing")
		}
		h.Close()
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

func TestSlowViewerIsDroppedAndOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hubOver(3)
		slow, quick := h.join(), h.join()
		var got atomic.Int64
		go func() {
			for range quick.messages {
				got.Add(1)
			}
		}()
		time.Sleep(30 * time.Second)
		h.mu.Lock()
		_, stays := h.viewers[slow]
		h.mu.Unlock()
		if stays {
			t.Error("a viewer that reads nothing stays")
		}
		drain(slow) // ends
		if n := got.Load(); n < 100 {
			t.Errorf("the other one got %d messages", n)
		}
		h.Close()
		time.Sleep(time.Second)
	})
}

func TestViewersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hubOver(1)
		for range maxViewers {
			go drain(h.join())
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/stream", http.NoBody))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("one too many is %d", w.Code)
		}
		h.Close()
		time.Sleep(time.Second)
		if h.join() != nil {
			t.Error("a closed hub lets somebody in")
		}
	})
}

// TestStreamTellsChangesAlone: a stream once when it begins, and later what has moved.
func TestStreamTellsChangesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hubOver(2)
		v := h.join()
		time.Sleep(hubEvery + hubEvery/2)
		var all []byte
		for len(v.messages) > 0 {
			all = append(all, <-v.messages...)
		}
		if n := bytes.Count(all, []byte(`"model":"m"`)); n != 2 {
			t.Errorf("2 streams are described %d times: %s", n, all)
		}
		if !bytes.Contains(all, []byte(`"moved":[[1,3,0,0,10,10],[2,3,0,0,10,10]]`)) {
			t.Errorf("no moves in %s", all)
		}
		h.Close()
		time.Sleep(time.Second)
	})
}

func TestStreamEndsWhenTheHubCloses(t *testing.T) {
	h, _ := hubOver(1)
	server := httptest.NewServer(h)
	defer server.Close()
	response, err := http.Get(server.URL) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	time.AfterFunc(10*time.Millisecond, h.Close)
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), "event: streams\ndata: {") {
		t.Errorf("it was %s", &text)
	}
}

// BenchmarkSample makes the messages of one sample of 1,000 streams that all move, and of one
// second of summaries over a full view.
func BenchmarkSample(b *testing.B) {
	h, _ := hubOver(1000)
	s := newSampler(&h.from)
	s.first(time.Now())
	b.Run("streams", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.streams(time.Now())
		}
	})
	for range viewKeeps {
		r := streamed(80*time.Millisecond, 10*time.Millisecond, 250)
		h.from.View.Observe(r)
	}
	b.Run("summaries", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.summaries()
		}
	})
}
