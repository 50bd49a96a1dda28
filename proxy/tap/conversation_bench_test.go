package tap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// agentBody is a request of an agent: a system prompt, tools, and n messages of some 500
// bytes, as SDKs write them.
func agentBody(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"model":"m","max_tokens":1024,"stream":true,"system":[{"type":"text","text":"` + strings.Repeat("Be careful with files. ", 200) + `","cache_control":{"type":"ephemeral"}}],"tools":[`)
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"tool_%d","description":"%s","input_schema":{"type":"object","properties":{"path":{"type":"string"},"limit":{"type":"integer"}},"required":["path"]}}`, i, strings.Repeat("Reads a part of a file. ", 10))
	}
	b.WriteString(`],"messages":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"role":"%s","content":[{"type":"text","text":"%d %s"}]}`, [2]string{"user", "assistant"}[i%2], i, strings.Repeat(`line of \"code\"\n`, 25))
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// BenchmarkRequestBody is what the evidence in a body costs, without a decoder.
func BenchmarkRequestBody(b *testing.B) {
	of, _ := newTap()
	for _, n := range []int{1, 20, 200} {
		body := agentBody(n)
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r := chat("Content-Type", "application/json")
				r.Path = "/of/no/dialect"
				x := of.Begin(r)
				for rest := body; len(rest) > 0; {
					n := min(16<<10, len(rest))
					x.RequestBody(rest[:n])
					rest = rest[n:]
				}
				x.RequestRead(tap.Now())
				end(x)
			}
		})
	}
}
