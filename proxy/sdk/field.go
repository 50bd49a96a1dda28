package sdk

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The identifiers that clients keep over the attempts of a call, the strongest first.
const (
	Invocation      exchange.Identifier = iota + 1 // amz-sdk-invocation-id
	IdempotencyKey                                 // idempotency-key
	MSClientRequest                                // x-ms-client-request-id
	ClientRequest                                  // x-client-request-id
	LiteLLMCall                                    // x-litellm-call-id
	Request                                        // x-request-id
	endIdentifiers
)

// Identifiers is the number of identifiers.
const Identifiers = int(endIdentifiers) - 1

// Field is a header field by which a request says something of its call. The zero
// value is a field that says nothing.
type Field struct {
	Name     string // in lower case
	Says     Says
	ID       exchange.Identifier // of a field that says Identity
	Strength Strength            // likewise
	Client   exchange.SDK        // of a field that says Generator
	Marker   exchange.Marker     // of a field that says SessionName
}

// Says is the meaning of a field.
type Says uint8

// The meanings.
const (
	Nothing     Says = iota
	Identity         // which call it is
	Retries          // how often the client has tried again, in decimal
	Attempt          // the number of the attempt, from 1: attempt=2; max=3
	UserAgent        // which SDK it is, which Recognise tells
	Generator        // which generator made the SDK
	Credential       // who sends it
	SessionName      // which session it belongs to
)

// Strength is how much an identifier says.
type Strength uint8

// The strengths, the greatest first.
const (
	// Sole identifiers are made for one call and for nothing else.
	Sole Strength = iota + 1
	// Shared identifiers are often the application's, which hands one on to all that it
	// calls.
	Shared
	// Fleeting identifiers are Shared ones that many a client makes anew for every
	// attempt, below the library that tries again.
	Fleeting
)

// The fields that number attempts.
const (
	retryCount    = "x-stainless-retry-count"
	attemptNumber = "amz-sdk-request"
)

// claudeCodeSession is the longest name in fields.
const claudeCodeSession = "x-claude-code-session-id"

// fields are the fields that say something. The identifiers come first, each at its
// own number less 1.
var fields = [...]Field{
	{Name: "amz-sdk-invocation-id", Says: Identity, ID: Invocation, Strength: Sole},
	{Name: "idempotency-key", Says: Identity, ID: IdempotencyKey, Strength: Sole},
	{Name: "x-ms-client-request-id", Says: Identity, ID: MSClientRequest, Strength: Shared},
	{Name: "x-client-request-id", Says: Identity, ID: ClientRequest, Strength: Shared},
	{Name: "x-litellm-call-id", Says: Identity, ID: LiteLLMCall, Strength: Shared},
	{Name: "x-request-id", Says: Identity, ID: Request, Strength: Fleeting},
	{Name: retryCount, Says: Retries},
	{Name: attemptNumber, Says: Attempt},
	{Name: "user-agent", Says: UserAgent},
	{Name: "x-stainless-lang", Says: Generator, Client: Stainless},
	{Name: "authorization", Says: Credential},
	{Name: "api-key", Says: Credential},   // Azure
	{Name: "x-api-key", Says: Credential}, // Anthropic
	{Name: "x-goog-api-key", Says: Credential},
	{Name: claudeCodeSession, Says: SessionName, Marker: ClaudeCodeSession},
	{Name: "session-id", Says: SessionName, Marker: Session}, // Codex
	{Name: "session_id", Says: SessionName, Marker: Session},
	{Name: "x-session-affinity", Says: SessionName, Marker: Affinity}, // OpenCode, and routers that keep a session on one server
}

// fieldsByLength are the places in fields of the names of one length. Most fields of
// a request have a length that no name has.
var fieldsByLength = func() (by [len(claudeCodeSession) + 1][]uint8) {
	for i := range fields {
		n := len(fields[i].Name)
		by[n] = append(by[n], uint8(i))
	}
	return by
}()

// Named returns the field of that name, whose letters may be in either case.
func Named(name []byte) Field {
	if len(name) < len(fieldsByLength) {
		for _, i := range fieldsByLength[len(name)] {
			if f := &fields[i]; exchange.EqualFold(name, f.Name) {
				return *f
			}
		}
	}
	return Field{}
}

// Identifying returns the field that carries an identifier.
func Identifying(id exchange.Identifier) Field {
	if id == 0 || id >= endIdentifiers {
		return Field{}
	}
	return fields[id-1]
}

// Retried reads the value of a field that says Retries or Attempt: how often the
// client has tried again.
func (f Field) Retried(value []byte) exchange.Count {
	if f.Says != Attempt {
		return exchange.ParseCount(value)
	}
	value, ok := bytes.CutPrefix(value, []byte("attempt="))
	if !ok {
		return exchange.Count{}
	}
	number, _, _ := bytes.Cut(value, []byte(";"))
	n := exchange.ParseCount(number)
	if n.N == 0 {
		return exchange.Count{}
	}
	return exchange.Known(n.N - 1)
}
