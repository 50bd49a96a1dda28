package slo

import (
	"strings"

	"github.com/headway-sidecar/headway/slo/strict"
)

// Syntax is the Problem of a text that is no YAML, with the line as it was written. err is
// the error of the YAML library.
func Syntax(file string, text []byte, err error) Problem {
	p, message := strict.Syntax(file, text, err)
	p.Right = "write keys and values, as in name: chat"
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
