package importer

import (
	"io"
	"math"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// longestYAML is how many bytes of YAML are read.
const longestYAML = 64 << 20

// readYAML reads the first document as a node.
func readYAML(r io.Reader) (node, error) {
	var document yaml.Node
	if err := yaml.NewDecoder(io.LimitReader(r, longestYAML)).Decode(&document); err != nil {
		return node{}, &Problem{Got: err.Error(), Want: "a YAML document"}
	}
	left := largest
	return fromYAML(&document, "", &left)
}

// fromYAML is y as a node. It counts down left for each value, so that aliases of aliases
// come to an end.
func fromYAML(y *yaml.Node, path string, left *int) (node, error) {
	if *left--; *left < 0 {
		return node{}, &Problem{Line: y.Line, Field: path, Got: "more than 500000 values", Want: "a result file"}
	}
	n := node{line: y.Line, path: path}
	switch y.Kind {
	case yaml.DocumentNode:
		return fromYAML(y.Content[0], path, left)
	case yaml.AliasNode:
		return fromYAML(y.Alias, path, left)
	case yaml.MappingNode:
		n.kind = objectKind
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i].Value
			item, err := fromYAML(y.Content[i+1], child(path, key), left)
			if err != nil {
				return node{}, err
			}
			n.set(key, item)
		}
	case yaml.SequenceNode:
		n.kind = arrayKind
		for i, one := range y.Content {
			item, err := fromYAML(one, path+"["+strconv.Itoa(i)+"]", left)
			if err != nil {
				return node{}, err
			}
			n.items = append(n.items, item)
		}
	default:
		n.scalar(y)
	}
	return n, nil
}

// scalar reads a value by the tag that YAML gives it.
func (n *node) scalar(y *yaml.Node) {
	n.text = y.Value
	switch y.ShortTag() {
	case "!!null":
		n.kind = nullKind
	case "!!bool":
		n.kind = booleanKind
	case "!!int", "!!float":
		n.kind = numberKind
		if y.Decode(&n.number) != nil {
			n.number = math.NaN()
		}
	default:
		n.kind = textKind
	}
}
