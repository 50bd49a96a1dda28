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
	to         io.Writer // nil: nobody needs to know
	size, done int64
	said       time.Time
	open       bool // the line on the terminal has no end yet
}

// largeFile is how many bytes a file has whose reading takes a second or more.
const largeFile = 128 << 20

// newProgress is f with its progress on a terminal. The caller ends it before it writes to
// the terminal itself.
func newProgress(f *os.File, to io.Writer) *progress {
	info, err := f.Stat()
	terminal, ok := to.(*os.File)
	if err != nil || info.Size() < largeFile || !ok || !term.IsTerminal(int(terminal.Fd())) {
		return &progress{File: f}
	}
	return &progress{File: f, to: to, size: info.Size()}
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	p.done += int64(n)
	if now := time.Now(); p.to != nil && (now.Sub(p.said) > 500*time.Millisecond || err != nil) {
		p.said, p.open = now, true
		fmt.Fprintf(p.to, "\rreading %s: %d %%", p.Name(), 100*p.done/max(p.size, 1))
	}
	if err != nil {
		p.end()
	}
	return n, err
}

// end ends the line on the terminal, if there is one.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.to)
	}
	p.open = false
}
