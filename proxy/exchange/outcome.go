package exchange

// Origin says who made the exchange: the application or the prober.
type Origin string

// The origins.
const (
	App    Origin = "app"
	Canary Origin = "canary"
)

// Role says which side of the traffic headway stands beside.
type Role string

// The roles.
const (
	Client Role = "client" // beside the application
	Server Role = "server" // beside the model server
)

// Mode says how the exchange reached headway, and how much of it headway could read.
type Mode string

// The modes.
const (
	Explicit    Mode = "explicit"    // the application's base URL points here
	Transparent Mode = "transparent" // the packet filter redirected it, and headway read it
	Sealed      Mode = "sealed"      // redirected and encrypted: headway times its TLS records
	Raw         Mode = "raw"         // redirected, in a protocol that headway does not read
	Upgraded    Mode = "upgraded"    // an exchange that switched protocols and became a tunnel
	Direct      Mode = "direct"      // a canary that went past the proxy, timed at the prober's end
)

// Outcome is how an exchange ended. Every exchange has exactly one.
type Outcome string

// The outcomes.
const (
	OK           Outcome = "ok"            // the client got the whole response, and it was no error
	ClientGone   Outcome = "client_gone"   // the client left before the response was whole
	Refused      Outcome = "refused"       // load turned it away: 429, 503, 529, or headway draining
	HTTPError    Outcome = "http_error"    // any other status from 400 up
	StreamError  Outcome = "stream_error"  // an error inside a response that began as 200
	UpstreamCut  Outcome = "upstream_cut"  // the upstream ended before its response was whole
	Timeout      Outcome = "timeout"       // it hit a configured limit of headway
	ConnectError Outcome = "connect_error" // no connection to the upstream, or none that carried a response
	Drained      Outcome = "drained"       // headway cut it because headway had to stop
)

// Outcomes lists every outcome.
func Outcomes() []Outcome {
	return []Outcome{OK, ClientGone, Refused, HTTPError, StreamError, UpstreamCut, Timeout, ConnectError, Drained}
}

// ErrorType is error.type of the semantic conventions: the HTTP status in decimal, or
// one of the constants here. It is empty when the exchange did not fail.
type ErrorType string

// The error types that are no HTTP status.
const (
	ErrTimeout       ErrorType = "timeout"
	ErrCanceled      ErrorType = "canceled"
	ErrConnection    ErrorType = "connection_error"
	ErrTruncated     ErrorType = "stream_truncated"
	ErrUpstreamEvent ErrorType = "upstream_error_event"
	ErrDraining      ErrorType = "draining"
	ErrProtocol      ErrorType = "protocol_error"
	ErrDescriptors   ErrorType = "no_descriptors" // headway had none left for a connection to the upstream
	ErrOther         ErrorType = "_OTHER"
)
