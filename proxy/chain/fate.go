package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// fate is the meaning of an attempt's end for its chain.
type fate uint8

const (
	answered  fate = iota
	retryable      // the client may try again
	final          // the client will not try again
)

// fateOf returns the meaning of the attempt's end. SDKs try again after 408, 409, 429
// and 500 and above, unless the server rules otherwise (x-should-retry).
func fateOf(r *exchange.Record) fate {
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

// renews reports whether the client got a 401, after which its SDK renews credentials
// and tries once more.
func renews(r *exchange.Record) bool {
	return r.Status == 401 && sdk.Of(r.Call.Client).Renews
}

// readByClient reports whether a client that left had a part of the answer that it
// could use. A client without one may have run out of patience, and try again; so may
// a client that left in the middle of an answer in one piece.
func readByClient(r *exchange.Record) bool {
	if r.Timing.FirstChunk == 0 || r.Status >= 400 {
		return false
	}
	return r.Stream && (r.Chunks.Count > 0 || r.Dialect == "")
}
