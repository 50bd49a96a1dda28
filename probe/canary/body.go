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
	out        []byte
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
	b := body{words: w.prompts.words, out: w.body.out}
	b.start, b.end, b.cold = bytes.Cut(text, []byte(opening))
	w.body = b
	return nil
}

// next returns the body of the next request, in the place of the one before.
func (b *body) next() []byte {
	b.out = append(b.out[:0], b.start...)
	if b.cold {
		b.out = appendCold(b.out)
	}
	b.out = append(b.out, b.end...)
	return b.out
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
