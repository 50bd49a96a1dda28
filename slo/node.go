package slo

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// maxDepth bounds chains of aliases and merges.
const maxDepth = 32

// reader reads the nodes of a YAML document and gathers their mistakes.
type reader struct {
	file     string
	problems Problems
}

func (r *reader) wrong(line int, key, wrong, right string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Key: key, Wrong: wrong, Right: right})
}

// mapping is a YAML mapping in its order, and its place.
type mapping struct {
	key    string
	line   int
	fields []field
}

type field struct {
	name  string
	line  int
	value *yaml.Node
}

// get returns the value of a key, nil when the key is missing or its value is null.
func (m *mapping) get(name string) *yaml.Node {
	for _, f := range m.fields {
		if f.name == name && f.value.ShortTag() != "!!null" {
			return f.value
		}
	}
	return nil
}

func (m *mapping) path(name string) string {
	if m.key == "" {
		return name
	}
	return m.key + "." + name
}

// mapping reads n, which may have the known keys and no others; without known keys it may
// have any. A key that comes twice is a mistake, but a key of n wins over one that was
// merged in (<<).
func (r *reader) mapping(n *yaml.Node, key string, known ...string) (mapping, bool) {
	n = alias(n)
	m := mapping{key: key, line: n.Line}
	if n.Kind != yaml.MappingNode {
		right := "write a mapping of keys to values: {team: search}"
		if len(known) > 0 {
			right = "write a mapping with " + strings.Join(known, ", ")
		}
		r.wrong(n.Line, key, describe(n)+" is no mapping", right)
		return m, false
	}
	r.gather(&m, n, 0)
	for _, f := range m.fields {
		if len(known) > 0 && !slices.Contains(known, f.name) {
			r.wrong(f.line, m.path(f.name), "there is no such key", spelling.Hint(f.name, known))
		}
	}
	return m, true
}

func (r *reader) gather(m *mapping, n *yaml.Node, depth int) {
	own := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], alias(n.Content[i+1])
		if name.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if line, twice := own[name.Value]; twice {
			r.wrong(name.Line, m.path(name.Value), fmt.Sprintf("it stands there twice, first in line %d", line), "keep one")
			continue
		}
		own[name.Value] = name.Line
		if !slices.ContainsFunc(m.fields, func(f field) bool { return f.name == name.Value }) {
			m.fields = append(m.fields, field{name.Value, name.Line, value})
		}
	}
	if depth == maxDepth {
		r.wrong(n.Line, m.key, "it is merged from itself", "merge (<<) other mappings only")
		return
	}
	for _, from := range merged {
		parts := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			parts = from.Content
		}
		for _, part := range parts {
			if part = alias(part); part.Kind == yaml.MappingNode {
				r.gather(m, part, depth+1)
			}
		}
	}
}

// alias is the node that n stands for.
func alias(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// list returns the members of n. A single value is a list of one.
func (r *reader) list(n *yaml.Node, key string) []*yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]*yaml.Node, len(n.Content))
		for i := range n.Content {
			out[i] = alias(n.Content[i])
		}
		return out
	case yaml.ScalarNode:
		return []*yaml.Node{n}
	}
	r.wrong(n.Line, key, describe(n)+" is no list", "write [a, b]")
	return nil
}

// text reads a scalar.
func (r *reader) text(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode {
		r.wrong(n.Line, key, describe(n)+" is no text", "write a single value, as in name: chat")
		return ""
	}
	return n.Value
}

// flag reads true or false.
func (r *reader) flag(n *yaml.Node, key string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		right := "write true or false"
		if near := spelling.Nearest(n.Value, []string{"true", "false"}); n.Kind == yaml.ScalarNode && len(near) == 1 {
			right = "did you mean " + near[0] + "?"
		}
		r.wrong(n.Line, key, describe(n)+" is neither true nor false", right)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// texts reads a mapping of names to texts.
func (r *reader) texts(n *yaml.Node, key string) map[string]string {
	m, ok := r.mapping(n, key)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(m.fields))
	for _, f := range m.fields {
		out[f.name] = r.text(f.value, m.path(f.name))
	}
	return out
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%q", shorten(n.Value))
	}
	return "it"
}
