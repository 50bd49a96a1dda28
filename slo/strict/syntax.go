// Package strict reads YAML strictly. It finds every mistake of a file at once, each with
// its line, its key and a correction: file:line: key: the mistake; the correction.
package strict

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Syntax is the Problem of a text that is no YAML, with the line as it was written and
// without a correction, and the message of the YAML library, whose error err is.
func Syntax(file string, text []byte, err error) (p Problem, message string) {
	message, number := err.Error(), 0
	var at *yaml.LoadError
	if errors.As(err, &at) {
		message, number = at.Message, at.Mark.Line
	}
	lines := strings.Split(strings.TrimRight(string(text), " \n"), "\n")
	number = max(1, min(number, len(lines))) // the library is often one line beyond the end
	return Problem{File: file, Line: number, Wrong: fmt.Sprintf("%q: %s", Shorten(lines[number-1]), message)}, message
}

// Shorten cuts a text that is too long for a message: that of a file that is something else.
func Shorten(line string) string {
	const most = 80
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}
