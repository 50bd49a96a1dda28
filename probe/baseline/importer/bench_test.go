package importer_test

import (
	"io"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// repeated is a text that comes again and again, up to a number of bytes.
type repeated struct {
	text string
	at   int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 && r.at == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.left -= n
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// BenchmarkRows says how fast rows are read, in MB/s of one core.
func BenchmarkRows(b *testing.B) {
	const size = 64 << 20
	header, rows, _ := strings.Cut(jmeterTable, "\n")
	rows = strings.Join(strings.SplitAfter(rows, "\n")[:2], "")
	for name, body := range map[string]func() io.Reader{
		"jtl": func() io.Reader {
			return io.MultiReader(strings.NewReader(header+"\n"), &repeated{text: rows, left: size})
		},
		"aiperf": func() io.Reader { return &repeated{text: strings.SplitAfter(aiperfLines, "\n")[1], left: size} },
		"k6":     func() io.Reader { return &repeated{text: k6Lines, left: size} },
		"vegeta": func() io.Reader { return &repeated{text: vegetaLines, left: size} },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := importer.Import([]importer.File{{Name: "x", Body: body()}}, importer.Options{Facts: importer.Facts{Model: "small", InputTokens: 100, OutputTokens: 21, Concurrency: 3}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
