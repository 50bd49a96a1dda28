package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// evidence joins an attempt to its chain, the strongest first. An identifier is
// evidence by its number in package sdk; weaker evidence follows the identifiers.
type evidence uint8

const none evidence = 0

const (
	byCount evidence = evidence(sdk.Identifiers) + 1 + iota
	byTrace
	byFingerprint
	byConversation
	endEvidence
)

// A set of evidence has to fit into chain.joined.
const _ = uint16(1) << (endEvidence - 1)

// Evidence lists the names of all evidence that can join an attempt to its chain, the
// strongest first.
func Evidence() []string {
	var names []string
	for e := none + 1; e < endEvidence; e++ {
		names = append(names, e.String())
	}
	return names
}

// String is the name that exchange.Attempt.JoinedBy has for e: the field of an
// identifier, for one. It is empty for none.
func (e evidence) String() string {
	switch e {
	case byCount:
		return "x-stainless-retry-count"
	case byTrace:
		return "traceparent"
	case byFingerprint:
		return "fingerprint"
	case byConversation:
		return "conversation"
	}
	return sdk.Identifying(exchange.Identifier(e)).Name
}
