package exchange

// InFlight is how much of one kind is under way.
type InFlight struct {
	Operation Operation
	Model     string // as requested
	Upstream  string // host:port
	Requests  int
	Streams   int // of Requests, those whose response streams
}
