package importer

import (
	"encoding/json"
	"strconv"
)

// kind is what a JSON value is. The zero kind is a value that is not there.
type kind byte

const (
	absent kind = iota
	nullKind
	booleanKind
	numberKind
	textKind
	arrayKind
	objectKind
)

// node is a JSON value with its place in the file. The zero node is a value that is not
// there, and its parts are not there either.
type node struct {
	kind   kind
	line   int
	path   string
	number float64
	text   string // of a string, or of the word
	keys   []string
	items  []node
}

// largest is how many values a node may hold, so that a file of gigabytes does not fill
// the memory. Rows of requests are not read as nodes.
const largest = 500_000

// node reads the next value. Drop names keys of any object in it that are passed over.
func (s *scanner) node(drop func(key string) bool) (node, error) {
	left := largest
	return s.someNode(drop, &left)
}

func (s *scanner) someNode(drop func(key string) bool, left *int) (n node, err error) {
	if *left--; *left < 0 {
		return n, s.wrong("more than 500000 values", "a result file")
	}
	c := s.next()
	n.line, n.path = s.line, string(s.path)
	switch c {
	case '{':
		n.kind = objectKind
		err = s.object(func(key string) error {
			if drop != nil && drop(key) {
				return s.skip()
			}
			item, err := s.someNode(drop, left)
			n.keys, n.items = append(n.keys, key), append(n.items, item)
			return err
		})
	case '[':
		n.kind = arrayKind
		err = s.array(func(int) error {
			item, err := s.someNode(drop, left)
			n.items = append(n.items, item)
			return err
		})
	case '"':
		n.kind = textKind
		n.text, err = s.str()
	default:
		err = s.bareNode(&n)
	}
	return n, err
}

func (s *scanner) bareNode(n *node) error {
	word, err := s.bare()
	if err != nil {
		return err
	}
	n.text = string(s.text)
	switch word {
	case 'n':
		n.kind = nullKind
	case 't', 'f':
		n.kind = booleanKind
	default:
		n.kind = numberKind
		n.number, err = s.parsed()
	}
	return err
}

// at returns the value at the end of the keys.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		n = n.child(key)
	}
	return n
}

func (n node) child(key string) node {
	for i, name := range n.keys {
		if name == key {
			return n.items[i]
		}
	}
	return node{line: n.line, path: child(n.path, key)}
}

func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// first returns the value of the first key that is there.
func (n node) first(keys ...string) node {
	for _, key := range keys {
		if v := n.child(key); v.known() {
			return v
		}
	}
	return n.child(keys[0])
}

// known says whether there is a value that is not null.
func (n node) known() bool { return n.kind > nullKind }

// has says whether n is an object with every one of the keys.
func (n node) has(keys ...string) bool {
	for _, key := range keys {
		if n.child(key).kind == absent {
			return false
		}
	}
	return true
}

// quoted is the value as a user sees it.
func (n node) quoted() string {
	switch n.kind {
	case absent:
		return "not there"
	case arrayKind:
		return "an array"
	case objectKind:
		return "an object"
	case textKind:
		return strconv.Quote(shortened(n.text))
	}
	return shortened(n.text)
}

// shortened is the begin of a text, so that nothing private gets into an error.
func shortened(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// unquote reads the escapes of a JSON string without its quotation marks.
func unquote(raw []byte) (out string, err error) {
	err = json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &out)
	return out, err
}

// item returns the i-th item of an array.
func (n node) item(i int) node {
	if n.kind == arrayKind && i < len(n.items) {
		return n.items[i]
	}
	return node{line: n.line, path: n.path}
}

// set adds a value of an object.
func (n *node) set(key string, value node) {
	n.keys, n.items = append(n.keys, key), append(n.items, value)
}

// nest adds a value to the object that key names.
func (n *node) nest(key, part string, value node) {
	for i, name := range n.keys {
		if name == key {
			n.items[i].set(part, value)
			return
		}
	}
	one := node{kind: objectKind, line: value.line, path: key}
	one.set(part, value)
	n.set(key, one)
}
