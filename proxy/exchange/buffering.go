package exchange

// Buffering counts the streams of one kind that ended lately, and those of them that came
// out of a buffer.
type Buffering struct {
	Operation Operation
	Model     string // requested
	Upstream  string // host:port
	Streams   int    // long enough to tell
	Buffered  int
}
