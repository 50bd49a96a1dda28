package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// result is how the exchange ended, given what ended its response.
func (r *relay) result(err error) tap.Result {
	why, aborted := r.state.aborted()
	_, clientEnded := r.state.clientEnded()
	switch {
	case err == nil:
		return tap.Result{Outcome: exchange.OK}
	case aborted:
		return tap.Result{Outcome: why, ErrorType: abortedAs(why)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tap.Result{Outcome: exchange.Timeout, ErrorType: exchange.ErrTimeout}
	case isMalformed(err) && r.answered:
		return tap.Result{Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrProtocol}
	case isMalformed(err):
		return tap.Result{Outcome: exchange.ConnectError, ErrorType: exchange.ErrProtocol}
	case clientEnded: // the upstream ends because its client did
		return tap.Result{Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled}
	case r.answered:
		return tap.Result{Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrTruncated}
	}
	return tap.Result{Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection}
}

// abortedAs is the error type of an aborted exchange.
func abortedAs(why exchange.Outcome) exchange.ErrorType {
	switch why {
	case exchange.ClientGone:
		return exchange.ErrCanceled
	case exchange.Drained:
		return exchange.ErrDraining
	case exchange.HTTPError: // the client sent a malformed body
		return "400"
	}
	return exchange.ErrOther
}

// releaseConnections returns the upstream connection to its pool or closes it, and lets
// the client's connection begin its next exchange or end. It tells whether the upstream
// connection was kept.
func (r *relay) releaseConnections(err error) bool {
	if r.client.way == pinned {
		return r.releasePinned(err)
	}
	sent := r.awaitSent() // before the Record is made, which needs the whole request
	whole := err == nil && sent
	alive := r.up.release(r.client.proxy.config.IdleTimeout > 0)
	keep := whole && alive && r.keep && len(r.up.bytes()) == 0
	if keep {
		r.up.keep()
	} else {
		r.up.drop()
		r.giveUpRetry()
	}
	r.client.endExchange(r.chooseSequel(err, whole))
	return keep
}

// chooseSequel decides how the client's connection goes on after the exchange. Err is
// the error that ended the response early, or nil; whole says that request and response
// are complete.
func (r *relay) chooseSequel(err error, whole bool) sequel {
	switch {
	case r.upstreamReset:
		return brokenByReset
	case err != nil && !r.refused:
		// The client must not take a body that broke off for a whole one, and sees a reset
		// where the upstream sent one.
		if errors.Is(err, syscall.ECONNRESET) || r.closeDelimited() {
			return brokenByReset
		}
		return brokenOff
	case r.last || r.refused || !whole:
		return noMoreRequest
	}
	return nextRequest
}

func isMalformed(err error) bool {
	return errors.Is(err, errMalformed) || errors.Is(err, errAmbiguous) || errors.Is(err, errFraming) || errors.Is(err, errHeadTooLarge) || errors.Is(err, errTooManyLines) || errors.Is(err, errCrowded)
}

// noEOF turns the end of a connection inside a message into an error.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return io.ErrUnexpectedEOF
	}
	return err
}
