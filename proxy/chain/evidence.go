package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// evidence joins an attempt to its chain, the strongest first. Identifiers have their
// numbers in package sdk; weaker evidence follows them.
type evidence uint8

const none evidence = 0

const (
	byCount evidence = evidence(sdk.Identifiers) + 1 + iota
	byTrace
	byFingerprint
	byConversation
	endEvidence
)

// evidenceSet is a set of evidence.
type evidenceSet uint16

const _ evidenceSet = 1 << (endEvidence - 1) // all evidence fits into a set

// with returns s and e.
func (s evidenceSet) with(e evidence) evidenceSet { return s | 1<<e }

// names returns the names of the evidence in s, the strongest first.
func (s evidenceSet) names() (names []string) {
	for e := none + 1; e < endEvidence; e++ {
		if s&(1<<e) != 0 {
			names = append(names, e.String())
		}
	}
	return names
}

// Evidence lists the names of all evidence that can join an attempt to its chain, the
// strongest first.
func Evidence() []string { return (^evidenceSet(0)).names() }

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
