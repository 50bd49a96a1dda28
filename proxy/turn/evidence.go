package turn

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// evidence joins an exchange to its session, the strongest first.
type evidence uint8

const (
	none       evidence = iota
	byChain             // it tries a call of the session again
	byMark              // it has the session's name
	byResponse          // it names a response of the session
	byResult            // it brings the result of a call of a tool
	byMessages          // its messages go on with those of a request of the session
	byBranch            // its messages go back to those of an earlier request
	byTrace             // it has the client's trace of the open turn
	endEvidence
)

// names are the names of evidence, as Record.Turn.JoinedBy has them.
var names = [endEvidence]string{
	byChain: "retry", byMark: "session", byResponse: "previous_response_id", byResult: "tool_call_id",
	byMessages: "messages", byBranch: "branch", byTrace: "traceparent",
}

func (e evidence) String() string { return names[e] }

// Evidence lists the names of all evidence, the strongest first.
func Evidence() []string { return names[1:] }

// evidenceSet is a set of evidence.
type evidenceSet uint8

const _ evidenceSet = 1 << (endEvidence - 2) // all evidence fits into a set

func (s evidenceSet) with(e evidence) evidenceSet {
	if e == none {
		return s
	}
	return s | 1<<(e-1)
}

// joinedBy returns the names of the evidence in a set. All that ask for one set share
// them.
func (j *Joiner) joinedBy(s evidenceSet) []string {
	if s != 0 && j.names[s] == nil {
		for e := none + 1; e < endEvidence; e++ {
			if s&(1<<(e-1)) != 0 {
				j.names[s] = append(j.names[s], e.String())
			}
		}
	}
	return j.names[s]
}

// apart reports whether the names of sessions tell th from s: the strongest place where
// both have one decides.
func (s *session) apart(th *exchange.Thread) bool {
	for _, m := range th.Marks {
		if m.By == 0 {
			return false
		}
		for i, by := range s.markedBy {
			if by == m.By {
				return s.marks[i] != m.ID
			}
		}
	}
	return false
}

// agrees reports whether s and th share a mark that many sessions may share.
func (s *session) agrees(th *exchange.Thread) bool {
	for _, m := range th.Marks {
		for i, by := range s.markedBy {
			if by != 0 && by == m.By && s.marks[i] == m.ID {
				return true
			}
		}
	}
	return false
}

// remark keeps the marks of th that s lacks.
func (j *Joiner) remark(s *session, th *exchange.Thread) {
	for _, m := range th.Marks {
		if m.By == 0 {
			return
		}
		s.keepMark(m)
		if sdk.Marking(m.By).Alone && j.index.node(s, markNode, named(m)) == nil && !j.shared(m) {
			j.index.add(s, markNode, named(m), unknownLane)
		}
	}
}

// shared reports whether many sessions bear the name.
func (j *Joiner) shared(m exchange.Mark) bool {
	for n := range j.index.all(markNode, named(m)) {
		if s := j.sessions.at(n.session); s.fleet {
			s.touched = j.now()
			j.sessions.touch(s)
			return true
		}
	}
	return false
}

func (s *session) keepMark(m exchange.Mark) {
	for i, by := range s.markedBy {
		switch by {
		case m.By:
			return
		case 0:
			s.markedBy[i], s.marks[i] = m.By, m.ID
			return
		}
	}
}

// named is the fingerprint of a mark and its marker.
func named(m exchange.Mark) exchange.Fingerprint {
	return m.ID + exchange.Fingerprint(m.By)<<48
}
