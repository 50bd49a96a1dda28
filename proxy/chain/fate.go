package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// fate is what an attempt's end means for its chain.
type fate uint8

const (
	answered  fate = iota
	retryable      // the client may try again
	final          // it will not
)

// judge tells what the end of an attempt means. 408, 409, 429 and all above 500 are
// what the libraries try again, unless the server tells (x-should-retry).
func judge(r *exchange.Record) fate {
	switch r.Outcome {
	case exchange.OK:
		return answered
	case exchange.ClientGone:
		if readByClient(r) {
			return final
		}
		return retryable
	}
	switch r.Advice.Retry {
	case exchange.Yes:
		return retryable
	case exchange.No:
		return final
	}
	if r.Outcome != exchange.HTTPError || r.Status == 408 || r.Status == 409 || r.Status >= 500 || renews(r) {
		return retryable
	}
	return final
}

// renews tells of a 401 to a client that gets new credentials and tries once more.
func renews(r *exchange.Record) bool {
	return r.Status == 401 && sdk.Of(r.Call.Client).Renews
}

// readByClient tells whether a client that left had been given a part of the
// answer that it could use. One that had not may have run out of patience, and try
// again; so does one whose answer in one piece broke off.
func readByClient(r *exchange.Record) bool {
	if r.Timing.FirstChunk == 0 || r.Status >= 400 {
		return false
	}
	return r.Stream && (r.Chunks.Count > 0 || r.Dialect == "")
}
