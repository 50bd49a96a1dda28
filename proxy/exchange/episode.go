package exchange

import (
	"slices"
	"time"
)

// SilentFrom is the shortest time without content that is an Episode. People stop to read
// along long before, and most clients give up soon after.
const SilentFrom = 10 * time.Second

// Episode is a time of SilentFrom or longer in which a stream was open and brought no
// content: pings and comments end none. It is not the silence of the indicator of that name,
// which any byte ends.
type Episode struct {
	Phase EpisodePhase
	From  time.Duration // offset from the start of the exchange
	To    time.Duration
	Ended EpisodeEnd
}

// Wait is the length of e.
func (e *Episode) Wait() time.Duration { return e.To - e.From }

// EpisodePhase says where in a stream an Episode lies.
type EpisodePhase string

// The phases.
const (
	BeforeFirstToken EpisodePhase = "before_first_token" // since the upstream had the request
	MidStream        EpisodePhase = "mid_stream"         // since the last content
)

// EpisodePhases lists the phases.
func EpisodePhases() []EpisodePhase { return []EpisodePhase{BeforeFirstToken, MidStream} }

// EpisodeEnd says how an Episode ended.
type EpisodeEnd string

// The ends.
const (
	Resumed    EpisodeEnd = "resumed"     // content came, or the response came to a good end without more
	ClientLeft EpisodeEnd = "client_gone" // the client left while it waited
	Cut        EpisodeEnd = "cut"         // the exchange ended in another way, and the user had waited in vain
)

// SilentAges are the lengths at which Silent counts streams, in ascending order.
func SilentAges() [4]time.Duration {
	return [...]time.Duration{SilentFrom, 30 * time.Second, time.Minute, 5 * time.Minute}
}

// Silent counts the open streams of one operation, model and upstream that bring no content.
type Silent struct {
	Operation Operation
	Model     string // of the request
	Upstream  string // host:port
	Phase     EpisodePhase
	// For counts, for each of SilentAges, the streams that are silent for so long or longer: a
	// stream that is silent for 70 s counts at 10 s, 30 s and 60 s.
	For [4]int
}

// Episodes returns the silent episodes of the stream r in their order: nil for most. Those in
// a part of the response that headway could not read, or beyond the chunks that it keeps, are
// not among them.
func (r *Record) Episodes() []Episode {
	t := &r.Timing
	last := r.lastSign()
	longest := max(t.FirstToken-t.RequestWritten, r.Chunks.Longest(), last-max(t.LastToken, t.RequestWritten))
	if longest < SilentFrom || !r.hasEpisodes() {
		return nil
	}
	var out []Episode
	add := func(phase EpisodePhase, from, to time.Duration, ended EpisodeEnd) {
		if to-from >= SilentFrom {
			out = append(out, Episode{phase, from, to, ended})
		}
	}
	if t.FirstToken == 0 {
		add(BeforeFirstToken, t.RequestWritten, last, r.episodeEnd())
		return out
	}
	add(BeforeFirstToken, t.RequestWritten, t.FirstToken, Resumed)
	if r.Chunks.Longest() >= SilentFrom {
		previous := t.FirstToken
		for k := range r.Chunks.All() {
			add(MidStream, previous, k.At, Resumed)
			previous = k.At
		}
	}
	add(MidStream, t.LastToken, last, r.episodeEnd())
	return out
}

// hasEpisodes says whether r is a stream of generated tokens that headway has read.
func (r *Record) hasEpisodes() bool {
	replayed := r.Timing.FirstToken == 0 && r.Chunks.Count > 0
	return r.Stream && r.Operation.Generates() && r.Timing.RequestWritten > 0 && !r.Unread && !replayed &&
		!StoppedReading(r.Notes) && !slices.Contains(r.Notes, "unknown_encoding")
}

// lastSign is when r had nothing more to wait for: with the last bytes of a response that
// came whole, else with its end.
func (r *Record) lastSign() time.Duration {
	if r.Outcome == OK && r.Timing.LastChunk > 0 { // an exchange in a session ends with its last event
		return r.Timing.LastChunk
	}
	return r.Timing.End
}

func (r *Record) episodeEnd() EpisodeEnd {
	switch r.Outcome {
	case OK:
		return Resumed
	case ClientGone:
		return ClientLeft
	}
	return Cut
}
