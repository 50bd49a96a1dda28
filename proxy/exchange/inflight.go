package exchange

// InFlight is how much of one kind is under way.
type InFlight struct {
	Operation string // empty when no dialect is known
	Model     string // as requested
	Upstream  string // host:port
	Requests  int
	Streams   int // of Requests, those whose response streams
}
