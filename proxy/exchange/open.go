package exchange

import "time"

// Open is an exchange that has begun and not ended, as it was at one moment. Its offsets
// count from Start; 0 means that the step has not happened.
type Open struct {
	ID        uint64 // of this exchange within the process, from 1
	Start     time.Time
	Operation Operation
	Model     string // of the request
	Upstream  string // host:port
	Origin    Origin
	Span      Span
	// Stream says that the request asks for a stream of generated tokens, or that the response
	// is one. Over says that no more content can come that headway reads: the answer has said
	// that it is over, or its decoder could not go on.
	Stream bool
	Over   bool

	Attempt Attempt // as far as the chain stage knows it while the attempt runs

	Asked      time.Duration // the upstream had got the whole request
	Head       time.Duration // the head of the response came
	LastByte   time.Duration // the last bytes of the body came, whether they were content or not
	FirstToken time.Duration
	LastToken  time.Duration
	Chunks     int   // content chunks so far
	Tokens     int64 // output tokens so far, at least one for each content chunk
}

// OpenPhase is how far an open exchange has come.
type OpenPhase string

// The phases, in their order.
const (
	Asking    OpenPhase = "asking"    // the request is on its way
	Waiting   OpenPhase = "waiting"   // the upstream has the request, and has sent nothing
	Answering OpenPhase = "answering" // the response has begun, without content so far
	Streaming OpenPhase = "streaming" // content came
)

// Phase is how far o has come.
func (o *Open) Phase() OpenPhase {
	switch {
	case o.FirstToken > 0:
		return Streaming
	case o.Head > 0:
		return Answering
	case o.Asked > 0:
		return Waiting
	}
	return Asking
}

// Silent is how long o has brought no content at the moment now: since its last token, or
// without one since the upstream got the request. Pings end no silence. It is 0 while the
// request is on its way.
func (o *Open) Silent(now time.Time) time.Duration {
	since := max(o.Asked, o.LastToken)
	if since == 0 {
		return 0
	}
	return max(0, now.Sub(o.Start)-since)
}
