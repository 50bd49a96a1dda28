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
		q := quick{names: map[string]string{}}
		for number := 1; in.Scan(); number++ {
			if len(bytes.TrimSpace(in.Bytes())) == 0 {
				continue
			}
			line, err := q.parse(in.Bytes())
			if err != nil && !ended {
				break
			}
			if err != nil {
				err = &LineError{Number: number, Err: err}
			}
			if !yield(line, err) {
				return
			}
		}
		if err := in.Err(); err != nil {
			yield(Line{}, fmt.Errorf("reading capture: %w", err))
		}
	}
}

func (q *quick) parse(text []byte) (Line, error) {
	line, ok := q.line(text)
	if !ok {
		line = Line{}
		if err := json.Unmarshal(text, &line); err != nil {
			return Line{}, err
		}
	}
	switch {
	case line.V == 0:
		return Line{}, errors.New("no capture line: v is missing")
	case line.V != Version:
		return Line{}, VersionError(line.V)
	}
	return line, nil
}
