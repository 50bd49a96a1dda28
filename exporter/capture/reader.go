package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxLine bounds the length of a line that Read accepts. It is a hundred times the longest
// that a Writer writes.
const maxLine = 1 << 20

// firstBuffer is how much Read asks a file for at once.
const firstBuffer = 64 << 10

// LineError is a line of a capture file that Read does not understand.
type LineError struct {
	Number int // the first is 1
	Err    error
}

// Error names the line and its mistake.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }

// Unwrap returns the mistake.
func (e *LineError) Unwrap() error { return e.Err }

// VersionError is the version of a line that is not Version.
type VersionError int

// Error names both versions.
func (e VersionError) Error() string {
	return fmt.Sprintf("format version %d is not known, only %d", int(e), Version)
}

// Read yields the lines of a capture file. It yields a LineError for a line that it does
// not understand, and goes on; any other error ends it. It ignores unknown fields. It also
// ignores a last line without its end, because a crash leaves one, and so does a Writer
// that is still at work. Lines with the same verdicts share their map: do not change it.
func Read(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, firstBuffer), maxLine)
		ended := true
		in.Split(func(data []byte, eof bool) (int, []byte, error) {
			n, text, err := bufio.ScanLines(data, eof)
			ended = n > len(text)
			return n, text, err
		})
		q := newQuick()
		for number := 1; in.Scan(); number++ {
			if len(bytes.TrimSpace(in.Bytes())) == 0 {
				continue
			}
			err := q.parse(in.Bytes())
			if err != nil && !ended {
				break
			}
			if err != nil {
				err = &LineError{Number: number, Err: err}
			}
			if !yield(q.line, err) {
				return
			}
		}
		if err := in.Err(); err != nil {
			yield(Line{}, fmt.Errorf("reading capture: %w", err))
		}
	}
}

// parse reads a line into q.line, which is empty if there is an error.
func (q *quick) parse(text []byte) (err error) {
	if !q.read(text) {
		q.line = Line{}
		err = json.Unmarshal(text, &q.line)
	}
	switch version := q.line.V; {
	case err != nil:
	case version == 0:
		err = errors.New("no capture line: v is missing")
	case version != Version:
		err = VersionError(version)
	}
	if err != nil {
		q.line = Line{}
	}
	return err
}
