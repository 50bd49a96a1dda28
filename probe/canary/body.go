package canary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"

	"github.com/headway-sidecar/headway/probe"
)

// body is the rendered JSON of a probe's requests. The requests of one length differ in the
// first words of a cold prompt alone, which stand between start and end.
type body struct {
	words      int // of the prompt that is rendered; 0: none is
	start, end []byte
	cold       bool // words stand between start and end
}

// render renders the body, unless its prompt is that of the last request.
func (w *Writer) render() error {
	if w.body.words == w.prompts.words {
		return nil
	}
	p := w.probe
	opening := fmt.Sprintf("opening-%016x", rand.Uint64()) // which no member that the probe file names can have
	asked := ask{model: p.Model, prompt: w.prompts.text(opening), output: p.Shape.Output, seed: p.Seed, ignoreEOS: p.IgnoreEOS, warm: p.Cache == probe.Warm, host: hostOf(p.URL)}
	text, err := json.Marshal(merged(w.dialect.body(asked), p.Body))
	if err != nil {
		return err
	}
	b := body{words: w.prompts.words}
	b.start, b.end, b.cold = bytes.Cut(text, []byte(opening))
	w.body = b
	return nil
}

// next returns the body of the next request.
func (b *body) next() []byte {
	const word = 8 // bytes, with its space
	out := make([]byte, 0, len(b.start)+coldWords*word+len(b.end))
	out = append(out, b.start...)
	if b.cold {
		out = appendCold(out)
	}
	return append(out, b.end...)
}

// merged returns body with the members of over in place of its own. A nil leaves a member
// out, and objects merge member by member.
func merged(body, over map[string]any) map[string]any {
	for name, value := range over {
		own, isObject := body[name].(map[string]any)
		part, overObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(body, name)
		case isObject && overObject:
			body[name] = merged(maps.Clone(own), part)
		default:
			body[name] = value
		}
	}
	return body
}
