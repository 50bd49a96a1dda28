package frame

import (
	"maps"
	"slices"
	"strings"
)

// Field is the number that a dialect gives to a place in a document, from 1 up.
type Field uint8

// Known is the field of a place that the reader knows and does not look for. It keeps
// the place apart from the members that * stands for.
const Known Field = 0

// Paths names the places of a document that a reader looks for. A path joins the names
// of members with dots. It has [] for every element of an array, as in
// choices.[].delta.content, and * for every member of an object that no path names, as in
// choices.[].delta.*.
type Paths map[string]Field

// Shape is Paths prepared for reading. Its places never change, and any number of readers
// may share it.
type Shape struct {
	nodes []node
	tapes shelf
}

// node is a place in a document. Node 0 stands for every place that no path names. A
// place may be an array in one document and an object in another.
type node struct {
	field   Field
	parent  uint16
	ofArray bool   // the place is an element of its parent
	element uint16 // node of the elements when the place is an array; 0 is none
	other   uint16 // node of the members that have no name here; 0 is none
	members []member
	first   [hashSize]uint8 // by hash: the first member with it, from 1 up; 0 is none
}

type member struct {
	name string
	node uint16
	next uint8 // the next member with the same hash, from 1 up; 0 is none
}

const (
	nowhere  = 0
	root     = 1
	hashSize = 32
)

// MustShape prepares paths for reading. It panics when they name more than 1022 places:
// paths are part of the program, so that is a mistake of its author.
func MustShape(paths Paths) *Shape {
	s := &Shape{nodes: make([]node, 2, 2+len(paths))}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		at := uint16(root)
		for part := range strings.SplitSeq(path, ".") {
			at = s.grow(at, part)
		}
		s.nodes[at].field = paths[path]
	}
	return s
}

// grow returns the node of part below the node at, and makes it when there is none.
func (s *Shape) grow(at uint16, part string) uint16 {
	if next := s.child(at, part); next != nowhere {
		return next
	}
	if len(s.nodes) > 1023 {
		panic("frame: more than 1022 places in a shape")
	}
	made := uint16(len(s.nodes))
	s.nodes = append(s.nodes, node{parent: at, ofArray: part == "[]"})
	n := &s.nodes[at]
	switch part {
	case "[]":
		n.element = made
		return made
	case "*":
		n.other = made
		return made
	}
	h := hash(part)
	n.members = append(n.members, member{name: part, node: made, next: n.first[h]})
	n.first[h] = uint8(len(n.members))
	return made
}

// child returns the node of part below the node at, or nowhere.
func (s *Shape) child(at uint16, part string) uint16 {
	n := &s.nodes[at]
	switch part {
	case "[]":
		return n.element
	case "*":
		return n.other
	}
	if next := n.member([]byte(part)); next != n.other {
		return next
	}
	return nowhere
}

// member returns the node of the member called name: that of * when no path names it, and
// nowhere when there is none.
func (n *node) member(name []byte) uint16 {
	if len(name) == 0 {
		return n.other
	}
	for i := n.first[hash(name)]; i != 0; {
		m := &n.members[i-1]
		if m.name == string(name) {
			return m.node
		}
		i = m.next
	}
	return n.other
}

// hash spreads the members of one object: their names seldom agree in length and first
// letter.
func hash[S string | []byte](name S) byte {
	return (name[0]*3 + byte(len(name))) % hashSize
}
