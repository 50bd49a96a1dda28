package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress is a file in the reading. On a terminal it says twice a second how far the
// reading has come, when the file is large.
type progress struct {
	*os.File
	to         io.Writer
	size, done int64
	said       time.Time
}

// largeFile is how many bytes a file has whose reading takes a second or more.
const largeFile = 128 << 20

// newProgress is f itself if nobody needs to know.
func newProgress(f *os.File, to io.Writer) io.Reader {
	info, err := f.Stat()
	terminal, ok := to.(*os.File)
	if err != nil || info.Size() < largeFile || !ok || !term.IsTerminal(int(terminal.Fd())) {
		return f
	}
	return &progress{File: f, to: to, size: info.Size()}
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	p.done += int64(n)
	if now := time.Now(); now.Sub(p.said) > 500*time.Millisecond || err != nil {
		p.said = now
		end := ""
		if err != nil {
			end = "\n"
		}
		fmt.Fprintf(p.to, "\rreading %s: %d %%%s", p.Name(), 100*p.done/max(p.size, 1), end)
	}
	return n, err
}
