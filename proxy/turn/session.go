package turn

import (
	"time"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// session is a session that the Joiner knows, with its turn if that is not over. Its times
// are from the Joiner's epoch.
type session struct {
	id   exchange.SessionID
	kind *kind // of the exchange that ended last

	start     time.Duration // of the turn
	busy      time.Duration // since when an exchange of it has been under way without a break
	end       time.Duration // of its last exchange that has ended
	model     time.Duration
	tool      time.Duration
	answered  time.Duration // end of the last response that called no tool
	first     time.Duration // from start to the first answer token of that response
	last      time.Duration // end of the turn before; 0 is none
	touched   uint32        // when an exchange has begun or ended last, in seconds
	trace     exchange.TraceID
	parent    exchange.SpanID // the client's
	marks     [exchange.MaxMarks]exchange.Fingerprint
	main      uint32 // messages of the last request of the lane that began the turn: the low bits
	whole     uint32 // of the last request: the low bits
	newer     number // in the order of sessions
	older     number
	flights   *flight
	nodes     place
	number    number // of the session in sessions
	agent     uint32 // hash of the User-Agent
	turns     int32
	calls     int32
	attempts  int32
	toolCalls int32
	flying    int16 // exchanges under way
	overlap   int16
	waiting   int16 // responses whose tools have brought no results
	retrying  int16 // calls that may be tried again
	joined    evidenceSet
	markedBy  [exchange.MaxMarks]exchange.Marker
	result    result
	open      bool // a turn is open
	ambiguous bool
	traced    bool // the client named the trace
	sampled   bool
	forced    bool // the last response that called a tool had no choice
	fleet     bool // many clients share its name
}

// turn returns the id of the open turn, or of the last one.
func (s *session) turn() exchange.TurnID {
	return exchange.TurnID(max(1, uint64(s.id)+uint64(s.turns)<<40))
}

// result is how the exchange went that ended last.
type result struct {
	status  int16
	error   uint16 // its place in Joiner.errors
	outcome uint8  // its place in outcomes
	stream  bool
	final   bool // it was answered, and called no tool
}

var outcomes = exchange.Outcomes()

// flight is an exchange under way.
type flight struct {
	span    exchange.SpanID
	session *session
	next    *flight // of the session
	start   time.Duration
	call    int32
	by      evidence
	human   bool // it puts a human's message, and goes on with nothing that is under way
	early   bool // it brings results of calls that the Joiner has not seen yet
	main    bool // it is of the lane that began the turn
	alone   bool // it opened its session, and may belong to one of which the end comes late
	unclear bool
	whole   exchange.Fingerprint
}

// number names a session by its place, from 1.
type number uint32

// sessions holds the sessions by their numbers, and lists them by the time of their last
// exchange.
type sessions struct {
	blocks         []*[sessionBlock]session
	free           []number
	used           int
	n              int
	turns          int // that are open
	oldest, newest number
}

// sessionBlock is how many sessions get memory at a time: as many as fill 32 KiB.
const sessionBlock = 32 << 10 / int(unsafe.Sizeof(session{}))

// at returns the session of the number; nil for 0.
func (l *sessions) at(n number) *session {
	if n == 0 {
		return nil
	}
	return &l.blocks[int(n-1)/sessionBlock][int(n-1)%sessionBlock]
}

// open returns a new session, which is the newest.
func (l *sessions) open() *session {
	var n number
	if last := len(l.free) - 1; last >= 0 {
		n, l.free = l.free[last], l.free[:last]
	} else {
		if l.used%sessionBlock == 0 {
			l.blocks = append(l.blocks, new([sessionBlock]session))
		}
		l.used++
		n = number(l.used)
	}
	s := l.at(n)
	s.number = n
	l.n++
	l.append(s)
	return s
}

// drop forgets s.
func (l *sessions) drop(s *session) {
	l.unlink(s)
	l.free = append(l.free, s.number)
	*s = session{}
	if l.n--; l.n == 0 {
		l.blocks, l.free, l.used = nil, nil, 0
	}
}

// touch makes s the newest.
func (l *sessions) touch(s *session) {
	if l.newest != s.number {
		l.unlink(s)
		l.append(s)
	}
}

func (l *sessions) append(s *session) {
	s.older, s.newer = l.newest, 0
	if l.newest != 0 {
		l.at(l.newest).newer = s.number
	} else {
		l.oldest = s.number
	}
	l.newest = s.number
}

func (l *sessions) unlink(s *session) {
	if s.older != 0 {
		l.at(s.older).newer = s.newer
	} else {
		l.oldest = s.newer
	}
	if s.newer != 0 {
		l.at(s.newer).older = s.older
	} else {
		l.newest = s.older
	}
}
