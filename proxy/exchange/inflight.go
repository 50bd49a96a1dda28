package exchange

// InFlight counts the exchanges of one kind that have begun and not ended.
type InFlight struct {
	Operation Operation
	Model     string // of the request
	Upstream  string // host:port
	Requests  int
	Streams   int // of Requests, those whose response streams
}
