package exchange

import "time"

// EngineFlow is how the open streams of a model on one upstream flow.
type EngineFlow struct {
	Operation Operation // of one of them
	Model     string    // of the requests
	Upstream  Upstream
	Mode      Mode
	Streams   []Flow
}

// Flow is how one open stream flows. Its moments count from one zero that all flows have.
type Flow struct {
	First  time.Duration // content
	Last   time.Duration // the last bytes that came
	Chunks int           // of content, as far as they have been read
	// From and To are the last wait for bytes of StallFrom or longer that is over; 0 if there
	// was none.
	From, To time.Duration
}
