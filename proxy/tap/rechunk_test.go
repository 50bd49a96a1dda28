package tap_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// paths are the APIs that the recorded exchanges belong to, by the family and the first
// part of their file's name.
var paths = map[string]string{
	"openai/chat": "/v1/chat/completions", "openai/completions": "/v1/completions", "responses/http": "/v1/responses", "openai/embeddings": "/v1/embeddings",
	"anthropic/messages": "/v1/messages", "anthropic/bedrock": "/model/anthropic.claude-x/invoke-with-response-stream",
	"gemini/generate": "/v1beta/models/gemini-x:streamGenerateContent", "gemini/embed": "/v1beta/models/gemini-x:embedContent", "gemini/error": "/v1beta/models/gemini-x:generateContent",
	"gemini/interactions": "/v1beta/interactions", "bedrock/converse": "/model/m/converse-stream", "bedrock/invoke": "/model/m/invoke-with-response-stream", "bedrock/error": "/model/m/converse",
	"cohere/chat": "/v2/chat", "cohere/error": "/v2/chat", "cohere/old": "/v1/chat", "cohere/writer": "/v1/chat", "cohere/embed": "/v2/embed", "cohere/rerank": "/v2/rerank",
	"ollama/chat": "/api/chat", "ollama/error": "/api/chat", "ollama/generate": "/api/generate", "ollama/embed": "/api/embed",
	"tgi/generate": "/generate_stream", "sglang/generate": "/generate", "sglang/tgi": "/generate", "llamacpp/completion": "/completion",
	"triton/generate": "/v2/models/llama/generate_stream", "sagemaker/tgi": "/endpoints/e/invocations-response-stream", "sagemaker/openai": "/endpoints/e/invocations-response-stream",
	"sagemaker/lines": "/endpoints/e/invocations-response-stream", "sagemaker/broken": "/endpoints/e/invocations-response-stream",
}

// TestAnyRechunkingGivesTheSameRecord of every recorded exchange, plain and
// compressed. In a bubble no time passes, so nothing but the cuts differs.
func TestAnyRechunkingGivesTheSameRecord(t *testing.T) {
	files, err := filepath.Glob("../dialect/*/testdata/*.*")
	if err != nil || len(files) < 90 {
		t.Fatalf("%d recorded exchanges, %v", len(files), err)
	}
	for _, file := range files {
		if filepath.Ext(file) == ".seq" { // of a session, which has tests of its own
			continue
		}
		t.Run(name(file), func(t *testing.T) {
			contentType, body := dialecttest.Recorded(t, file)
			synctest.Test(t, func(t *testing.T) {
				want := replay(t, file, contentType, "", [][]byte{body})
				if want.Dialect == "" || want.Bytes.Out != int64(len(body)) {
					t.Fatalf("recorded %+v", want)
				}
				random := rand.New(rand.NewPCG(1, uint64(len(body))))
				for _, most := range []int{1, 2, 7, 100, 5000} {
					if got := replay(t, file, contentType, "", dialecttest.Cut(body, random, most)); !reflect.DeepEqual(got, want) {
						t.Errorf("in pieces of up to %d bytes\n got %+v\nwant %+v", most, got, want)
					}
					packed := gzipped(t, body)
					got := replay(t, file, contentType, "gzip", dialecttest.Cut(packed, random, most))
					got.Bytes.Out += want.Bytes.Out - int64(len(packed))
					if !reflect.DeepEqual(got, want) {
						t.Errorf("compressed, in pieces of up to %d bytes\n got %+v\nwant %+v", most, got, want)
					}
				}
			})
		})
	}
}

// name is a recording's family and file.
func name(file string) string {
	return filepath.Base(filepath.Dir(filepath.Dir(file))) + "/" + filepath.Base(file)
}

// replay runs the response in file through a tap, read by read.
func replay(t *testing.T, file, contentType, encoding string, reads [][]byte) exchange.Record {
	t.Helper()
	of, told := newTap()
	api, _, _ := strings.Cut(strings.TrimSuffix(name(file), filepath.Ext(file)), "_")
	ask := `{"model":"m"}`
	if contentType != "application/json" {
		ask = `{"model":"m","stream":true}`
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
