package attack

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// codings are the content codings that headway undoes.
var codings = []string{"br", "zstd", "gzip"}

// tiny is as many of the smallest events as fit into a MiB.
var tiny = bytes.Repeat([]byte("data: {}\n\n"), 1<<20/10)

// bomb compresses so many MiB of events.
func bomb(coding string, mib int) []byte {
	var buf bytes.Buffer
	z := compressor(coding, &buf)
	for range mib {
		_, _ = z.Write(tiny)
	}
	_ = z.Close()
	return buf.Bytes()
}

func compressor(coding string, to io.Writer) io.WriteCloser {
	switch coding {
	case "br":
		return brotli.NewWriterOptions(to, brotli.WriterOptions{Quality: 2, LGWin: 24})
	case "zstd":
		z, _ := zstd.NewWriter(to, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
		return z
	}
	return gzip.NewWriter(to)
}

// window is the start of a stream of 16 MiB in brotli, or 8 MiB in zstd, whose window is
// full and whose end is missing.
func window(coding string) []byte {
	whole := bomb(coding, 16)
	return whole[:len(whole)-1]
}

// encoded is the whole response with a body in a coding.
func encoded(coding string, body []byte) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, len(body), body)
}

// chunked is a whole response of a stream, with n chunks of the given content.
func chunked(content string, n int) string {
	return streamHead + strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", len(content), content), n) + lastChunk
}

// plain is a whole response of a given type.
func plain(kind, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
}

// nominated is the fields of a head of 250 kB, each of which is an option of Connection:
// as many as headway takes.
func nominated() string {
	const n = 4_000
	var b strings.Builder
	b.WriteString("Connection: ")
	for i := range n {
		fmt.Fprintf(&b, "x%028x,", i)
	}
	b.WriteString("close\r\n")
	for i := range n {
		fmt.Fprintf(&b, "x%028x:\r\n", i)
	}
	return b.String()
}
