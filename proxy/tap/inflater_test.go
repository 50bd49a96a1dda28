package tap_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

type flusher interface {
	io.WriteCloser
	Flush() error
}

// codings are the compressors that the tests know, by the value of Content-Encoding.
var codings = map[string]func(io.Writer) flusher{
	"gzip":   func(w io.Writer) flusher { return gzip.NewWriter(w) },
	"X-GZip": func(w io.Writer) flusher { return gzip.NewWriter(w) },
	"br":     func(w io.Writer) flusher { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) flusher {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		return z
	},
	"deflate": func(w io.Writer) flusher { return zlib.NewWriter(w) },
	"deflate, raw": func(w io.Writer) flusher {
		z, _ := flate.NewWriter(w, flate.DefaultCompression)
		return z
	},
}

// compress returns the bytes that a server sends which flushes after each of parts.
func compress(coding string, parts ...string) (out [][]byte) {
	var buf bytes.Buffer
	z := codings[coding](&buf)
	for i, p := range parts {
		_, _ = io.WriteString(z, p)
		_ = z.Flush()
		if i == len(parts)-1 {
			_ = z.Close()
		}
		out = append(out, bytes.Clone(buf.Bytes()))
		buf.Reset()
	}
	return out
}

func TestCompressedStreamIsReadAsItComes(t *testing.T) {
	events := []string{
		`data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n",
		`data: {"model":"m","choices":[{"index":0,"delta":{"content":"b"}}]}` + "\n\n",
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}` + "\n\ndata: [DONE]\n\n",
	}
	for coding := range codings {
		for _, split := range []bool{false, true} {
			name := coding
			if split {
				name += ", byte by byte"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					of, told := newTap()
					x := of.Begin(chat())
					said, _, _ := strings.Cut(coding, ", ")
					x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", said), tap.Now())
					for _, p := range compress(coding, events...) {
						time.Sleep(100 * ms)
						if !split {
							chunk(x, string(p))
							continue
						}
						for i := range p {
							chunk(x, string(p[i:i+1]))
						}
					}
					end(x)
					of.Wait()
					r := told.only(t)
					if r.Timing.FirstToken != 100*ms || r.Timing.LastToken != 200*ms || r.Chunks.Count != 2 {
						t.Errorf("%d content chunks from %v to %v", r.Chunks.Count, r.Timing.FirstToken, r.Timing.LastToken)
					}
					if r.Outcome != exchange.OK || r.Usage.Output != exchange.Known(2) || len(r.Notes) > 0 {
						t.Errorf("outcome %q, usage %+v, notes %q", r.Outcome, r.Usage, r.Notes)
					}
				})
			})
		}
	}
}

func TestContentEncoding(t *testing.T) {
	const body = `{"model":"m","choices":[]}`
	once := func(coding, p string) string { return string(compress(coding, p)[0]) }
	for _, tt := range []struct {
		name   string
		fields []string
		sent   string
		want   string // that the decoder reads
		notes  []string
	}{
		{"none", nil, body, body, nil},
		{"identity", []string{"Content-Encoding", "identity"}, body, body, nil},
		{"stacked", []string{"Content-Encoding", "br, Gzip"}, once("gzip", once("br", body)), body, nil},
		{"stacked in two fields", []string{"Content-Encoding", "br", "content-encoding", "gzip"}, once("gzip", once("br", body)), body, nil},
		{"gzip that no field names", nil, once("gzip", body), body, nil},
		{"zstd that no field names", nil, once("zstd", body), body, nil},
		{"two gzip members", []string{"Content-Encoding", "gzip"}, once("gzip", body[:5]) + once("gzip", body[5:]), body, nil},
		{"unknown", []string{"Content-Encoding", "dcb"}, "?", "", []string{"unknown_encoding"}},
		{"unknown below a known one", []string{"Content-Encoding", "dcb, gzip"}, "?", "", []string{"unknown_encoding"}},
		{"gzip that is none", []string{"Content-Encoding", "gzip"}, body, "", []string{"broken_encoding"}},
		{"brotli that is none", []string{"Content-Encoding", "br"}, "\xf3" + strings.Repeat("\xff", 100), "", []string{"broken_encoding"}},
		{"zstd that is none", []string{"Content-Encoding", "zstd"}, body, "", []string{"broken_encoding"}},
		{"gzip that ends early", []string{"Content-Encoding", "gzip"}, once("gzip", body)[:5], "", []string{"truncated_encoding"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 1 << 20} {
				var read strings.Builder
				of, told := newTap(&script{
					feed: func(p []byte, _ time.Duration) { read.Write(p) },
					close: func() dialect.Reply {
						return dialect.Reply{Ask: dialect.Ask{Dialect: "script"}, Complete: read.Len() > 0}
					},
				})
				x := of.Begin(chat())
				x.ResponseHead(200, header(append(tt.fields, "Content-Type", "text/event-stream")...), tap.Now())
				for p := range slices.Chunk([]byte(tt.sent), size) {
					chunk(x, string(p))
				}
				end(x)
				of.Wait()
				r := told.only(t)
				if read.String() != tt.want || !slices.Equal(r.Notes, tt.notes) || r.Bytes.Out != int64(len(tt.sent)) {
					t.Errorf("pieces of %d: read %q, notes %q, %d bytes", size, read.String(), r.Notes, r.Bytes.Out)
				}
				if early := strings.HasSuffix(tt.name, "early"); early != (r.Outcome == exchange.UpstreamCut) {
					t.Errorf("pieces of %d: outcome %q", size, r.Outcome)
				}
			}
		})
	}
}

// Every coding costs the memory of a window, and a head has room for 60,000 of them.
func TestManyCodingsAreNotUndone(t *testing.T) {
	body := []string{"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"}
	twice := compress("gzip", string(bytes.Join(compress("gzip", body...), nil)))
	for _, tt := range []struct {
		name   string
		fields []string
		body   [][]byte
		read   bool
	}{
		{"one", []string{"Content-Encoding", "gzip"}, compress("gzip", body...), true},
		{"two", []string{"Content-Encoding", "gzip, gzip"}, twice, true},
		{"two, in fields of their own", []string{"Content-Encoding", "gzip", "Content-Encoding", "gzip"}, twice, true},
		{"two, and identity", []string{"Content-Encoding", "gzip, identity, gzip"}, twice, true},
		{"three", []string{"Content-Encoding", "gzip, gzip, gzip"}, twice, false},
		{"as many as a head has room for", []string{"Content-Encoding", strings.Repeat("br,", 60_000)}, twice, false},
		{"as many fields as a head has room for", slices.Repeat([]string{"Content-Encoding", "br"}, 12_000), twice, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, told := newTap()
			x := of.Begin(chat())
			x.ResponseHead(200, header(append(tt.fields, "Content-Type", "text/event-stream")...), tap.Now())
			for _, p := range tt.body {
				x.Chunk([][]byte{p}, tap.Now(), tap.Now())
			}
			end(x)
			of.Wait()
			r := told.only(t)
			if read, noted := r.Chunks.Count == 1, slices.Contains(r.Notes, "unknown_encoding"); read != tt.read || noted == tt.read {
				t.Errorf("%d content chunks, notes %q", r.Chunks.Count, r.Notes)
			}
		})
	}
}

// A compressed response that breaks off, and whose framing ends well, says so. It says what
// came before, and is a good one only if it had said itself that it was over.
func TestCompressedResponseThatIsCut(t *testing.T) {
	for _, c := range []struct {
		name, path, contentType string
		parts                   []string
		end                     string // of the response; without it nothing says that the response is whole
	}{
		{"stream", "/v1/chat/completions", "text/event-stream", []string{
			`data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n",
			`data: {"model":"m","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}` + "\n\n",
			"data: [DONE]\n\n",
		}, "[DONE]"},
		{"stream whose end is that of the connection", "/v1beta/models/g:streamGenerateContent", "text/event-stream", []string{
			`data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}` + "\n\n",
			`data: {"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}` + "\n\n",
		}, ""},
		{"document", "/v1/chat/completions", "application/json", []string{
			`{"model":"m","choices":[{"message":{"content":"Hi"},`,
			`"finish_reason":"stop"}]}`,
		}, "]}"},
		{"sound", "/v1/audio/speech", "audio/mpeg", []string{"\xff\xfb\x90sound", "more sound"}, ""},
	} {
		for coding := range codings {
			t.Run(c.name+", "+coding, func(t *testing.T) {
				body := slices.Concat(compress(coding, c.parts...)...)
				ok := 0
				for cut := 1; cut < len(body); cut++ {
					switch r := cutOff(t, c.path, c.contentType, coding, body[:cut]); {
					case !slices.Contains(r.Notes, "truncated_encoding"):
						t.Fatalf("%d of %d bytes: notes %q", cut, len(body), r.Notes)
					case r.Outcome == exchange.OK:
						ok++
						if read := plainText(t, coding, body[:cut]); c.end == "" || !strings.Contains(read, c.end) {
							t.Fatalf("%d of %d bytes are %s, and hold %q", cut, len(body), r.Outcome, read)
						}
					case r.Outcome != exchange.UpstreamCut:
						t.Fatalf("%d of %d bytes are %s", cut, len(body), r.Outcome)
					}
				}
				if (ok > 0) != (c.end != "") {
					t.Errorf("%d are whole", ok)
				}
				if r := cutOff(t, c.path, c.contentType, coding, body); r.Outcome != exchange.OK || slices.Contains(r.Notes, "truncated_encoding") {
					t.Errorf("all of it is %s, notes %q", r.Outcome, r.Notes)
				}
			})
		}
	}
}

// cutOff returns the record of a compressed response whose framing ends well.
func cutOff(t *testing.T, path, contentType, coding string, body []byte) exchange.Record {
	t.Helper()
	of, told := newTap()
	request := chat()
	request.Path = path
	x := of.Begin(request)
	encoding, _, _ := strings.Cut(coding, ",")
	x.ResponseHead(200, header("Content-Type", contentType, "Content-Encoding", encoding), tap.Now())
	chunk(x, string(body))
	end(x)
	of.Wait()
	return told.only(t)
}

// plainText returns what a compressed body says, as far as it goes.
func plainText(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var read strings.Builder
	of, _ := newTap(&script{
		feed:  func(p []byte, _ time.Duration) { read.Write(p) },
		close: func() dialect.Reply { return dialect.Reply{Ask: dialect.Ask{Dialect: "script"}} },
	})
	x := of.Begin(chat())
	encoding, _, _ := strings.Cut(coding, ",")
	x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", encoding), tap.Now())
	chunk(x, string(body))
	end(x)
	of.Wait()
	return read.String()
}

// A compressed stream that breaks off says what came before, however much of it did, and
// never that it went well.
func TestCompressedStreamThatIsCut(t *testing.T) {
	events := []string{
		`data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n",
		`data: {"model":"m","choices":[{"index":0,"delta":{"content":"b"}}]}` + "\n\n",
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n",
	}
	for coding := range codings {
		t.Run(coding, func(t *testing.T) {
			parts := compress(coding, events...)
			whole := len(slices.Concat(parts...))
			encoding, _, _ := strings.Cut(coding, ",")
			before := 0
			for cut := range whole {
				of, told := newTap()
				x := of.Begin(chat())
				x.RequestBody([]byte(`{"model":"m","stream":true}`))
				x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", encoding), tap.Now())
				if cut > 0 {
					chunk(x, string(slices.Concat(parts...)[:cut]))
				}
				end(x)
				of.Wait()
				r := told.only(t)
				ended := slices.Equal(r.FinishReasons, []string{"stop"})
				if r.Outcome == exchange.OK && !ended || r.Chunks.Count < before || cut == len(parts[0])+len(parts[1]) && r.Chunks.Count != 2 {
					t.Fatalf("%d of %d bytes: %s, %d chunks, %v", cut, whole, r.Outcome, r.Chunks.Count, r.FinishReasons)
				}
				before = r.Chunks.Count
			}
		})
	}
}

// The usage of a large compressed answer stands behind its vectors.
func TestUsageBehindALargeCompressedBody(t *testing.T) {
	var vectors strings.Builder
	for range 40_000 {
		vectors.WriteString(`{"object":"embedding","embedding":[0.0123,-0.0456,0.789,0.0001]},`)
	}
	for coding := range codings {
		t.Run(coding, func(t *testing.T) {
			of, told := newTap()
			x := of.Begin(tap.Request{Method: "POST", Path: "/v1/embeddings", Upstream: model, Header: header(), Read: tap.Now()})
			encoding, _, _ := strings.Cut(coding, ",")
			x.ResponseHead(200, header("Content-Type", "application/json", "Content-Encoding", encoding), tap.Now())
			for _, p := range compress(coding, `{"data":[`+vectors.String()+`{}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}`) {
				chunk(x, string(p))
			}
			end(x)
			of.Wait()
			if r := told.only(t); r.Usage.Input != exchange.Known(7) {
				t.Errorf("%+v, %s, notes %q", r.Usage, r.Outcome, r.Notes)
			}
		})
	}
}
