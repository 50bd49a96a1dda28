package baseline

// Name names an indicator.
type Name string

// The indicators. Two tools that use one name for different things get different names
// here, or different definitions.
const (
	TTFT  Name = "ttft"  // to the first token, or to the first event: see Stop
	TTFB  Name = "ttfb"  // to the first byte of the response. On a chat stream that is no token
	TPOT  Name = "tpot"  // (last token − first token) ÷ (output tokens − 1)
	NTPOT Name = "ntpot" // the whole request ÷ its output tokens: it has the TTFT in it
	ITL   Name = "itl"   // gaps between what the tool took for tokens
	E2E   Name = "e2e"
)

// Names lists the indicators in the order in which tables show them.
func Names() []Name { return []Name{TTFT, TTFB, TPOT, NTPOT, ITL, E2E} }

// Edge is a moment that starts or stops a clock.
type Edge string

// The edges.
const (
	Scheduled    Edge = "scheduled"     // when the request was due, before any wait in the tool
	Sending      Edge = "sending"       // before the tool opened a connection or wrote
	Sent         Edge = "sent"          // when the request was on the wire
	FirstByte    Edge = "first_byte"    // of the response's head or body
	FirstEvent   Edge = "first_event"   // of a stream, whatever is in it
	FirstContent Edge = "first_content" // the first event with generated text in it
	LastContent  Edge = "last_content"  // the last one
	EndOfBody    Edge = "end_of_body"
	Unsaid       Edge = "unsaid" // neither the file nor the tool's documents say
)

// Over says what one value of the distribution stands for.
type Over string

// What a value stands for.
const (
	Request   Over = "request"   // one value a request
	ChunkGap  Over = "chunk_gap" // every gap between two chunks, of all requests together
	TokenGap  Over = "token_gap" // every gap between two tokens; those of one chunk have gap 0
	PerToken  Over = "token"     // one value a request, counted once for each of its tokens
	WindowAvg Over = "window"    // the mean over requests that ended within a window of time
)

// Connect says whether the time to open a connection is in the values.
type Connect string

// Whether opening a connection is in the values.
const (
	ConnectIn      Connect = "every_request" // each request opened one, and the time is in
	ConnectSome    Connect = "new_only"      // connections were kept; a request that opened one has the time in
	ConnectOut     Connect = "excluded"
	ConnectUnknown Connect = "unknown"
)

// Tokens says how the tool counted the output tokens that it divided by.
type Tokens string

// How the tool counted.
const (
	Usage     Tokens = "usage"      // the server's own count
	Tokenizer Tokens = "tokenizer"  // of the client, over the text
	Asked     Tokens = "asked"      // the length that the request asked for
	DataLines Tokens = "data_lines" // "data:" lines of the stream, all of them
	Chunks    Tokens = "chunks"     // messages of the stream with content
	Unknown   Tokens = "unknown"
)

// Rule says how the tool takes a percentile.
type Rule string

// The rules.
const (
	Linear      Rule = "linear"       // between the two nearest ranks, as numpy does
	NearestRank Rule = "nearest_rank" // the smallest value that so many do not exceed
	FloorRank   Rule = "floor_rank"   // the value at index ⌊p·n⌋
	Buckets     Rule = "buckets"      // of a histogram or sketch
	Rounded     Rule = "rounded"      // nearest rank of values rounded to two digits
	Unstated    Rule = "unstated"
)

// Definition says what the values of an indicator are.
type Definition struct {
	Start       Edge    `json:"start"`
	Stop        Edge    `json:"stop"`
	Over        Over    `json:"over"`
	Connect     Connect `json:"connect"`
	Tokens      Tokens  `json:"tokens,omitempty"` // of the indicators that divide by tokens
	Percentiles Rule    `json:"percentiles"`
}
