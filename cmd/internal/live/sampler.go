package live

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// sampler makes the messages of a Hub. It belongs to the hub's goroutine.
type sampler struct {
	from  *Sources
	open  []exchange.Open          // of the last sample
	lanes map[uint64]exchange.Open // that viewers have
	ended int                      // number of the last exchange that viewers have
	calls []byte                   // the last message with chains
	turns []byte                   // the last message with turns
}

func newSampler(from *Sources) *sampler {
	return &sampler{from: from, lanes: map[uint64]exchange.Open{}}
}

// change is the message "streams": what has changed among the exchanges under way since the
// message before. Times are in milliseconds.
type change struct {
	At    int64    `json:"at"`   // since 1970
	Open  int      `json:"open"` // under way, with those that have no lane
	Begun []Stream `json:"begun,omitempty"`
	// Moved has for each stream that got further: id, phase (0 asking to 3 streaming),
	// offset of the first and the last token, chunks, tokens.
	Moved [][6]int64 `json:"moved,omitempty"`
	Ended []uint64   `json:"ended,omitempty"`
}

// streams samples the exchanges under way.
func (s *sampler) streams(now time.Time) []byte {
	s.sample()
	c := change{At: now.UnixMilli(), Open: len(s.open)}
	for i := range s.shown() {
		o := &s.open[i]
		before, known := s.lanes[o.ID]
		switch {
		case !known || before.Attempt != o.Attempt || before.Model != o.Model:
			c.Begun = append(c.Begun, newStream(o, now))
		case before.Chunks != o.Chunks || before.Phase() != o.Phase():
			c.Moved = append(c.Moved, moved(o))
		default:
			continue
		}
		s.lanes[o.ID] = *o
	}
	for id := range s.lanes {
		if _, there := slices.BinarySearchFunc(s.open, id, func(o exchange.Open, id uint64) int { return cmp.Compare(o.ID, id) }); !there {
			c.Ended = append(c.Ended, id)
			delete(s.lanes, id)
		}
	}
	return message("streams", c)
}

// sample reads the exchanges that are open, the oldest first.
func (s *sampler) sample() {
	s.open = s.from.Open(s.open[:0])
	slices.SortFunc(s.open, func(a, b exchange.Open) int { return cmp.Compare(a.ID, b.ID) })
}

// shown is the part of the sample that has lanes.
func (s *sampler) shown() []exchange.Open { return s.open[:min(len(s.open), maxLanes)] }

func moved(o *exchange.Open) [6]int64 {
	return [6]int64{
		int64(o.ID), phaseNumber(o.Phase()), o.FirstToken.Milliseconds(), o.LastToken.Milliseconds(), int64(o.Chunks), o.Tokens,
	}
}

func phaseNumber(p exchange.OpenPhase) int64 {
	return int64(slices.Index([]exchange.OpenPhase{exchange.Asking, exchange.Waiting, exchange.Answering, exchange.Streaming}, p))
}

// summaries are the messages that come less often: how traffic goes, the exchanges that have
// ended since, and the calls and the turns if one of them has changed.
func (s *sampler) summaries() [][]byte {
	out := [][]byte{message("summary", s.from.View.Summary())}
	if ended := s.from.View.Exchanges(firstExchanges, s.ended); len(ended) > 0 {
		s.ended = ended[0].Number
		out = append(out, message("exchanges", ended))
	}
	if calls := message("chains", s.from.Chains(followedChains)); !bytes.Equal(calls, s.calls) {
		s.calls = calls
		out = append(out, calls)
	}
	if turns := s.agents(); !bytes.Equal(turns, s.turns) {
		s.turns = turns
		out = append(out, turns)
	}
	return out
}

// agents is the message with the turns of agents.
func (s *sampler) agents() []byte { return message("turns", Agents(s.from.Turns(readTurns))) }

// first are the messages for a new viewer: all that other viewers have. Some of the next
// exchanges may come to it twice.
func (s *sampler) first(now time.Time) [][]byte {
	if len(s.lanes) == 0 {
		s.sample()
		for _, o := range s.shown() {
			s.lanes[o.ID] = o
		}
	}
	c := change{At: now.UnixMilli(), Open: len(s.open)}
	for _, o := range s.lanes {
		c.Begun = append(c.Begun, newStream(&o, now))
	}
	slices.SortFunc(c.Begun, func(a, b Stream) int { return cmp.Compare(a.ID, b.ID) })
	ended := s.from.View.Exchanges(firstExchanges, 0)
	if s.ended == 0 && len(ended) > 0 {
		s.ended = ended[0].Number
	}
	return [][]byte{
		message("streams", c), message("summary", s.from.View.Summary()),
		message("exchanges", ended), message("chains", s.from.Chains(followedChains)), s.agents(),
	}
}
