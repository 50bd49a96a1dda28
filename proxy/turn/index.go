package turn

import (
	"iter"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// index finds sessions by what their next exchange may bring. It is a hash table whose
// size never changes, so that no exchange pays for its growth; the operating system gives it
// memory as far as it is in use.
type index struct {
	of    *sessions
	heads []place
	nodes []*[block]node
	free  place
	used  int
}

// place is the place of a node, from 1; 0 is none.
type place uint32

// block is how many nodes the index gets memory for at a time.
const block = 1024

// node is one thing by which a session is found.
type node struct {
	hash    uint64
	session number
	next    place // of the same bucket
	sibling place // of the same session
	kind    nodeKind
	state   lane
}

// nodeKind is the sort of thing that a node stands for.
type nodeKind uint8

const (
	markNode   nodeKind = iota + 1
	chainNode           // a call under way, or one that may be tried again
	answerNode          // a response, by its id
	callNode            // a call of a tool
	wholeNode           // the messages of a lane's last request
	stemNode            // messages that a request had before its last ones
	traceNode           // the client's trace
	endNodes
)

// room is how many nodes of a kind a session has at most. Beyond it the oldest goes.
var room = [endNodes]int{markNode: exchange.MaxMarks, chainNode: 16, answerNode: 8, callNode: 32, wholeNode: 6, stemNode: 8, traceNode: 1}

// lane is how far the exchange has come that a node is of.
type lane uint8

const (
	unknownLane  lane = iota
	flyingLane        // the exchange is under way
	waitingLane       // its response called tools
	answeredLane      // its response called none
	failedLane
)

func newIndex(of *sessions, places int) index {
	n := 1
	for n < places {
		n *= 2
	}
	return index{of: of, heads: make([]place, n)}
}

func (x *index) at(p place) *node { return &x.nodes[(p-1)/block][(p-1)%block] }

// hash mixes a kind into a fingerprint.
func hash(k nodeKind, of exchange.Fingerprint) uint64 {
	h := (uint64(of) ^ uint64(k)<<56) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func (x *index) head(h uint64) *place { return &x.heads[h&uint64(len(x.heads)-1)] }

// all yields the nodes of the kind and the fingerprint, the newest first.
func (x *index) all(k nodeKind, of exchange.Fingerprint) iter.Seq[*node] {
	return func(yield func(*node) bool) {
		if of == 0 {
			return
		}
		h := hash(k, of)
		for p := *x.head(h); p != 0; {
			n := x.at(p)
			p = n.next
			if n.hash == h && n.kind == k && !yield(n) {
				return
			}
		}
	}
}

// maxAlike bounds how many sessions are found by one thing: the newest. Many sessions may have
// one prompt, and nobody could tell them apart by it.
const maxAlike = 32

// node returns the node of s with the kind and the fingerprint, or nil.
func (x *index) node(s *session, k nodeKind, of exchange.Fingerprint) *node {
	if of == 0 {
		return nil
	}
	h := hash(k, of)
	for p := s.nodes; p != 0; {
		n := x.at(p)
		if n.hash == h && n.kind == k {
			return n
		}
		p = n.sibling
	}
	return nil
}

// add makes s to be found by the fingerprint. When s has no room for another node of the
// kind, the oldest goes, of those that nothing is waited for, if there is any.
func (x *index) add(s *session, k nodeKind, of exchange.Fingerprint, state lane) {
	if of == 0 {
		return
	}
	h := hash(k, of)
	count, oldest, idle := 0, (*node)(nil), false
	for p := s.nodes; p != 0; {
		n := x.at(p)
		p = n.sibling
		switch rests := n.state == answeredLane || n.state == failedLane; {
		case n.kind != k:
			continue
		case n.hash == h:
			n.state = state
			return
		case rests || !idle:
			oldest, idle = n, rests
		}
		count++
	}
	if count >= room[k] {
		x.removeIf(s, func(n *node) bool { return n == oldest })
	}
	x.thin(h)
	p := x.take()
	head := x.head(h)
	*x.at(p) = node{hash: h, session: s.number, next: *head, sibling: s.nodes, kind: k, state: state}
	*head, s.nodes = p, p
}

// thin removes the oldest of the nodes with the hash, if there are as many as there may be.
func (x *index) thin(h uint64) {
	alike, oldest := 0, (*node)(nil)
	for p := *x.head(h); p != 0; {
		n := x.at(p)
		p = n.next
		if n.hash == h {
			alike, oldest = alike+1, n
		}
	}
	if alike >= maxAlike {
		x.removeIf(x.of.at(oldest.session), func(n *node) bool { return n == oldest })
	}
}

// removeIf removes the nodes of s that drop says.
func (x *index) removeIf(s *session, drop func(*node) bool) {
	for at := &s.nodes; *at != 0; {
		p := *at
		n := x.at(p)
		if !drop(n) {
			at = &n.sibling
			continue
		}
		*at = n.sibling
		x.unlink(p, n)
		*n = node{next: x.free}
		x.free = p
	}
}

// remove removes the nodes of s of a kind.
func (x *index) remove(s *session, k nodeKind) {
	x.removeIf(s, func(n *node) bool { return n.kind == k })
}

// unlink takes n out of its bucket.
func (x *index) unlink(p place, n *node) {
	at := x.head(n.hash)
	for *at != p {
		at = &x.at(*at).next
	}
	*at = n.next
}

// take returns the place of an unused node.
func (x *index) take() place {
	if p := x.free; p != 0 {
		x.free = x.at(p).next
		return p
	}
	if x.used%block == 0 {
		x.nodes = append(x.nodes, new([block]node))
	}
	x.used++
	return place(x.used)
}

// shrink gives the memory of nodes back, when there is no session.
func (x *index) shrink() { x.nodes, x.free, x.used = nil, 0, 0 }
