package delivery

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check returns every problem for which New refuses c, except problems of the directory.
// It opens nothing. Its errors contain no value of a header and no secret in an endpoint.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	if c.Signal != Traces && c.Signal != Metrics {
		wrong = append(wrong, fmt.Errorf("signal %q is neither %s nor %s", string(c.Signal), Traces, Metrics))
	}
	if c.Timeout < 0 || c.MaxBytes < 0 || c.Backoff.First < 0 || c.Backoff.Max < c.Backoff.First {
		wrong = append(wrong, errors.New("timeout, bytes and backoff must not be negative, and the longest backoff must not be below the first"))
	}
	if c.SpoolDir != "" && c.MaxBytes < LeastSpoolBytes {
		wrong = append(wrong, fmt.Errorf("a spool of %d bytes is too small; the least is %d", c.MaxBytes, LeastSpoolBytes))
	}
	switch c.Protocol {
	case GRPC:
		wrong = append(wrong, c.checkTarget())
	case HTTPProtobuf:
		wrong = append(wrong, c.checkURL())
	default:
		wrong = append(wrong, fmt.Errorf("protocol %q is neither %s nor %s", string(c.Protocol), GRPC, HTTPProtobuf))
	}
	return errors.Join(append(wrong, c.checkHeaders())...)
}

var (
	errEndpoint = errors.New("the endpoint is no target that gRPC understands")
	errPort     = errors.New("the port of the endpoint is not from 1 to 65535")
)

// checkTarget checks the endpoint of gRPC. It refuses a target with a user, because gRPC
// does not send the user and the resolver would quote it in errors.
func (c Config) checkTarget() error {
	if c.Endpoint == "" {
		return errors.New("the endpoint is empty")
	}
	if strings.Contains(c.Endpoint, "@") {
		return errors.New("the endpoint has a user, which gRPC does not send; put credentials into a header")
	}
	to, err := dialGRPC(c) // connects at the first request
	if err != nil {
		return err
	}
	defer to.close()
	address, named := strings.CutPrefix(to.conn.CanonicalTarget(), "dns:///")
	if !named || net.ParseIP(address) != nil {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		_, port, err = net.SplitHostPort(address + ":443") // as the resolver does
	}
	if err != nil || !validPort(port) {
		return errPort
	}
	return nil
}

// checkURL checks the endpoint of OTLP/HTTP.
func (c Config) checkURL() error {
	u, err := url.Parse(c.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("the endpoint is no http or https URL")
	}
	if port := u.Port(); port != "" && !validPort(port) {
		return errPort
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// checkHeaders refuses a header with which gRPC or net/http would refuse every request,
// one that they would leave out, and one that would replace a header of this package. It
// does not quote an invalid name, which may be a piece of a secret value.
func (c Config) checkHeaders() error {
	var wrong []error
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		lower, value := strings.ToLower(name), c.Headers[name]
		switch {
		case !c.validName(lower):
			wrong = append(wrong, errors.New("a header has an invalid character in its name"))
		case reserved(lower):
			wrong = append(wrong, fmt.Errorf("header %q belongs to the protocol and must not be set", lower))
		case seen[lower]:
			wrong = append(wrong, fmt.Errorf("header %q is set twice", lower))
		case len(value) >= math.MaxUint16 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			wrong = append(wrong, fmt.Errorf("the value of header %q is too long or not printable ASCII", lower))
		}
		seen[lower] = true
	}
	return errors.Join(wrong...)
}

// validName reports whether lower is a valid name of a header: a token (RFC 9110, section
// 5.6.2), or with gRPC a Header-Name, which has fewer characters (gRPC over HTTP2,
// "Requests"). The name is in lower case, because both clients choose the case they send.
func (c Config) validName(lower string) bool {
	characters := "-_.0123456789abcdefghijklmnopqrstuvwxyz"
	if c.Protocol != GRPC {
		characters += "!#$%&'*+^`|~"
	}
	return lower != "" && strings.Trim(lower, characters) == ""
}

// reserved reports whether a header belongs to gRPC, to the connection (RFC 9113, section
// 8.2.2), or to this package.
func reserved(lower string) bool {
	switch lower {
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
		"host", "user-agent", "content-encoding", "content-length", "content-type":
		return true
	}
	return strings.HasPrefix(lower, "grpc-")
}
