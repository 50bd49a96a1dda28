package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// refusal is headway's own response, for a request that has no response to forward.
type refusal struct {
	status  int
	kind    string // error.type of the body
	message string
}

// append writes r as an HTTP response that ends the connection. The body has the
// shape of an OpenAI error, which SDKs show to their users.
func (r refusal) append(dst []byte) []byte {
	body, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": "headway: " + r.message, "type": r.kind, "param": nil, "code": r.status,
	}})
	if err != nil {
		body = nil // a string map cannot fail to marshal
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(r.status)...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\nConnection: close\r\n\r\n"...)
	return append(dst, body...)
}

// refusal is the response for a client whose exchange failed before the upstream
// answered. Result is how it failed, and err the error of the upstream connection.
func (r *relay) refusal(result tap.Result, err error) refusal {
	at := r.route.Upstream.Address()
	switch {
	case result.Outcome == exchange.Drained:
		return refusal{status: 503, kind: "draining", message: "stopped before upstream " + at + " answered"}
	case result.Outcome == exchange.Timeout:
		return refusal{status: 504, kind: "upstream_timeout", message: "upstream " + at + " did not answer in time"}
	case result.Outcome == exchange.HTTPError:
		return refusal{status: 400, kind: "bad_request", message: errFraming.Error()}
	case isMalformed(err):
		return refusal{status: 502, kind: "upstream_protocol_error", message: fmt.Sprintf("upstream %s sent no valid HTTP/1 response: %v", at, err)}
	}
	return refusal{status: 502, kind: "upstream_connection_error", message: "upstream " + at + " closed the connection before it answered"}
}

// dialFailure is the response for the client, and the result for the tap, when the dial
// for r has failed with err.
func (r *relay) dialFailure(err error) (refusal, tap.Result) {
	if why, aborted := r.state.aborted(); aborted {
		result := tap.Result{Outcome: why, ErrorType: abortedAs(why)}
		return r.refusal(result, err), result
	}
	refusal := dialRefusal(r.route.Upstream.Address(), err)
	result := tap.Result{Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection}
	switch {
	case sockets.Exhausted(err):
		result.ErrorType = exchange.ErrDescriptors
		r.client.proxy.reportExhaustion(r.route.Upstream.Address())
	case refusal.status == http.StatusGatewayTimeout:
		result.ErrorType = exchange.ErrTimeout
	}
	return refusal, result
}

// dialRefusal is the response for a client when the dial to the address at has failed
// with err.
func dialRefusal(at string, err error) refusal {
	if sockets.Exhausted(err) {
		return refusal{status: 503, kind: "no_descriptors", message: "no descriptor was left for a connection to upstream " + at + "; raise the limit of open files (ulimit -n)"}
	}
	var tunnel *tunnelError
	if errors.As(err, &tunnel) {
		at, err = at+" through the HTTP proxy "+tunnel.proxy, tunnel.err
	}
	var e net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &e) && e.Timeout()) {
		return refusal{status: 504, kind: "upstream_connect_timeout", message: "upstream " + at + ": connecting timed out"}
	}
	return refusal{status: 502, kind: "upstream_connect_error", message: fmt.Sprintf("upstream %s: %v", at, rootCause(err))}
}

// rootCause is err without the *net.OpError around it, which names addresses of this
// machine.
func rootCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
