package strict

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// maxDepth bounds chains of aliases and merges.
const maxDepth = 32

// Reader reads the nodes of a YAML document and gathers their mistakes.
type Reader struct {
	File     string
	Problems Problems
}

// Wrong notes a mistake at the key, and its correction.
func (r *Reader) Wrong(line int, key, wrong, right string) {
	r.Problems = append(r.Problems, Problem{File: r.File, Line: line, Key: key, Wrong: wrong, Right: right})
}

// Mapping is a YAML mapping in its order, and its place.
type Mapping struct {
	key    string
	Line   int
	Fields []Field
}

// Field is a key of a Mapping and its value.
type Field struct {
	Name  string
	Line  int
	Value *yaml.Node
}

// Get returns the value of a key, nil when the key is missing or its value is null.
func (m *Mapping) Get(name string) *yaml.Node {
	for _, f := range m.Fields {
		if f.Name == name && f.Value.ShortTag() != "!!null" {
			return f.Value
		}
	}
	return nil
}

// Path returns the key name of m as Problems call it: slos[0].good.ttft.
func (m *Mapping) Path(name string) string {
	if m.key == "" {
		return name
	}
	return m.key + "." + name
}

// Mapping reads n, which may have the known keys and no others; without known keys it may
// have any. A key that comes twice is a mistake, but a key of n wins over one that was
// merged in (<<).
func (r *Reader) Mapping(n *yaml.Node, key string, known ...string) (Mapping, bool) {
	n = Alias(n)
	m := Mapping{key: key, Line: n.Line}
	if n.Kind != yaml.MappingNode {
		right := "write a mapping of keys to values: {team: search}"
		if len(known) > 0 {
			right = "write a mapping with " + strings.Join(known, ", ")
		}
		r.Wrong(n.Line, key, Describe(n)+" is no mapping", right)
		return m, false
	}
	r.gather(&m, n, 0)
	for _, f := range m.Fields {
		if len(known) > 0 && !slices.Contains(known, f.Name) {
			r.Wrong(f.Line, m.Path(f.Name), "there is no such key", spelling.Hint(f.Name, known))
		}
	}
	return m, true
}

func (r *Reader) gather(m *Mapping, n *yaml.Node, depth int) {
	own := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], Alias(n.Content[i+1])
		if name.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if line, twice := own[name.Value]; twice {
			r.Wrong(name.Line, m.Path(name.Value), fmt.Sprintf("it stands there twice, first in line %d", line), "keep one")
			continue
		}
		own[name.Value] = name.Line
		if !slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Name == name.Value }) {
			m.Fields = append(m.Fields, Field{name.Value, name.Line, value})
		}
	}
	if depth == maxDepth {
		r.Wrong(n.Line, m.key, "it is merged from itself", "merge (<<) other mappings only")
		return
	}
	for _, from := range merged {
		parts := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			parts = from.Content
		}
		for _, part := range parts {
			if part = Alias(part); part.Kind == yaml.MappingNode {
				r.gather(m, part, depth+1)
			}
		}
	}
}

// Alias is the node that n stands for.
func Alias(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// List returns the members of n. A single value is a list of one.
func (r *Reader) List(n *yaml.Node, key string) []*yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]*yaml.Node, len(n.Content))
		for i := range n.Content {
			out[i] = Alias(n.Content[i])
		}
		return out
	case yaml.ScalarNode:
		return []*yaml.Node{n}
	}
	r.Wrong(n.Line, key, Describe(n)+" is no list", "write [a, b]")
	return nil
}

// Text reads a scalar.
func (r *Reader) Text(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode {
		r.Wrong(n.Line, key, Describe(n)+" is no text", "write a single value, as in name: chat")
		return ""
	}
	return n.Value
}

// Flag reads true or false.
func (r *Reader) Flag(n *yaml.Node, key string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		right := "write true or false"
		if near := spelling.Nearest(n.Value, []string{"true", "false"}); n.Kind == yaml.ScalarNode && len(near) == 1 {
			right = "did you mean " + near[0] + "?"
		}
		r.Wrong(n.Line, key, Describe(n)+" is neither true nor false", right)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// Texts reads a mapping of names to texts.
func (r *Reader) Texts(n *yaml.Node, key string) map[string]string {
	m, ok := r.Mapping(n, key)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(m.Fields))
	for _, f := range m.Fields {
		out[f.Name] = r.Text(f.Value, m.Path(f.Name))
	}
	return out
}

// Describe returns what n is, in the words of a Problem.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%q", Shorten(n.Value))
	}
	return "it"
}
