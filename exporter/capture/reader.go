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

// maxLine bounds a line that is read: a hundred times what is ever written.
const maxLine = 1 << 20

// LineError is a line of a capture file that could not be understood.
type LineError struct {
	Number int // the first is 1
	Err    error
}

// Error names the line and what is wrong with it.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// Read yields the lines of a capture file. A line that cannot be understood is
// yielded as a LineError, and reading goes on; any other error ends it. Fields that
// are not known are passed over. The last line may be torn, as a crash leaves it or
// a file that is still being written: it is passed over too.
func Read(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewScanner(r)
		in.Buffer(nil, maxLine)
		ended := true
		in.Split(func(data []byte, eof bool) (int, []byte, error) {
			n, text, err := bufio.ScanLines(data, eof)
			ended = n > len(text)
			return n, text, err
		})
		for number := 1; in.Scan(); number++ {
			if len(bytes.TrimSpace(in.Bytes())) == 0 {
				continue
			}
			line, err := parse(in.Bytes())
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

func parse(text []byte) (Line, error) {
	var line Line
	if err := json.Unmarshal(text, &line); err != nil {
		return Line{}, err
	}
	switch {
	case line.V == 0:
		return Line{}, errors.New("no capture line: v is missing")
	case line.V != Version:
		return Line{}, fmt.Errorf("format version %d is not known, only %d", line.V, Version)
	}
	return line, nil
}
