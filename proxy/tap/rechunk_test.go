package tap_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// paths are the APIs that the recorded exchanges belong to, by the first part of
// their file's name.
var paths = map[string]string{
	"chat": "/v1/chat/completions", "completions": "/v1/completions", "responses": "/v1/responses", "embeddings": "/v1/embeddings",
	"messages": "/v1/messages",
}

// TestAnyRechunkingGivesTheSameRecord of every recorded exchange, plain and
// compressed. In a bubble no time passes, so nothing but the cuts differs.
func TestAnyRechunkingGivesTheSameRecord(t *testing.T) {
	files, err := filepath.Glob("../dialect/*/testdata/*.*")
	if err != nil || len(files) < 90 {
		t.Fatalf("%d recorded exchanges, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				want := replay(t, file, "", [][]byte{body})
				if want.Dialect == "" || want.Bytes.Out != int64(len(body)) {
					t.Fatalf("recorded %+v", want)
				}
				random := rand.New(rand.NewPCG(1, uint64(len(body))))
				for _, most := range []int{1, 2, 7, 100, 5000} {
					if got := replay(t, file, "", dialecttest.Cut(body, random, most)); !reflect.DeepEqual(got, want) {
						t.Errorf("in pieces of up to %d bytes\n got %+v\nwant %+v", most, got, want)
					}
					packed := gzipped(t, body)
					got := replay(t, file, "gzip", dialecttest.Cut(packed, random, most))
					got.Bytes.Out += want.Bytes.Out - int64(len(packed))
					if !reflect.DeepEqual(got, want) {
						t.Errorf("compressed, in pieces of up to %d bytes\n got %+v\nwant %+v", most, got, want)
					}
				}
			})
		})
	}
}

// replay runs the response in file through a tap, read by read.
func replay(t *testing.T, file, encoding string, reads [][]byte) exchange.Record {
	t.Helper()
	of, told := newTap()
	api, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), "_")
	contentType, ask := "application/json", `{"model":"m"}`
	if filepath.Ext(file) == ".sse" {
		contentType, ask = "text/event-stream", `{"model":"m","stream":true}`
	}
	x := of.Begin(tap.Request{Method: "POST", Path: paths[api], Upstream: model, Header: header(), Read: tap.Now()})
	x.RequestBody([]byte(ask))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(200, header("Content-Type", contentType, "Content-Encoding", encoding), tap.Now())
	for _, p := range reads {
		x.Chunk([][]byte{p}, tap.Now(), tap.Now())
		synctest.Wait() // for the inflater, which a flood would overtake
	}
	end(x)
	of.Wait()
	r := told.only(t)
	r.Span = exchange.Span{} // every exchange has another
	return r
}

func gzipped(t *testing.T, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
