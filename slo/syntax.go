package slo

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Syntax is the Problem of a text that is no YAML, with the line as it was written. err is
// the error of the YAML library.
func Syntax(file string, text []byte, err error) Problem {
	message, number := err.Error(), 0
	var at *yaml.LoadError
	if errors.As(err, &at) {
		message, number = at.Message, at.Mark.Line
	}
	lines := strings.Split(strings.TrimRight(string(text), " \n"), "\n")
	number = max(1, min(number, len(lines))) // the library is often one line beyond the end
	p := Problem{File: file, Line: number, Wrong: fmt.Sprintf("%q: %s", shorten(lines[number-1]), message), Right: "write keys and values, as in name: chat"}
	for _, remedy := range []struct{ of, right string }{
		{"cannot start any token", "indent with spaces and quote what begins with % @ or `"},
		{"mapping values are not allowed", `indent the keys of one SLO alike, and quote a value with a colon: name: "a: b"`},
		{"expected ','", "close every bracket: good: {ttft: 500ms}"},
		{"expected node content", "close every bracket: good: {ttft: 500ms}"},
		{"end of stream", `close every quote: name: "chat"`},
		{"end of document", `close every quote: name: "chat"`},
		{"unknown anchor", "give the name to a part above it: good: &limits {ttft: 500ms}"},
		{"expected", "indent the keys of one SLO alike: objective: 99 begins below the n of - name: chat"},
		{"directive", "begin with slos:"},
	} {
		if strings.Contains(message, remedy.of) {
			p.Right = remedy.right
			break
		}
	}
	return p
}

// shorten cuts a text that is too long for a message: a file that is no SLO file at all.
func shorten(line string) string {
	const most = 80
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}
