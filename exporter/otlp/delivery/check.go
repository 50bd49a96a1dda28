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

// Check returns everything for which New refuses c, but for what the directory is like.
// It opens nothing, and no error has a header's value or what an endpoint may hold of a secret.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	if c.Signal != Traces && c.Signal != Metrics {
		wrong = append(wrong, fmt.Errorf("signal %q is neither %s nor %s", string(c.Signal), Traces, Metrics))
	}
	if c.Timeout < 0 || c.MaxBytes < 0 || c.Backoff.First < 0 || c.Backoff.Max < c.Backoff.First {
		wrong = append(wrong, errors.New("timeout, bytes and backoff must not be negative, nor the backoff's end below its beginning"))
	}
	if c.SpoolDir != "" && c.MaxBytes < LeastSpoolBytes {
		wrong = append(wrong, fmt.Errorf("a spool of %d bytes is too small; it takes %d", c.MaxBytes, LeastSpoolBytes))
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
	errEndpoint = errors.New("endpoint is no target that gRPC knows")
	errPort     = errors.New("endpoint's port is none")
)

// checkTarget refuses a user in the target, too: gRPC sends none, and it would be in the
// resolver's errors.
func (c Config) checkTarget() error {
	if c.Endpoint == "" {
		return errors.New("endpoint is empty")
	}
	if strings.Contains(c.Endpoint, "@") {
		return errors.New("endpoint has a user, of which gRPC knows nothing; a header can have it")
	}
	to, err := dialGRPC(c) // connects when it is used
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
		_, port, err = net.SplitHostPort(address + ":443") // what the resolver does
	}
	if err != nil || !validPort(port) {
		return errPort
	}
	return nil
}

func (c Config) checkURL() error {
	u, err := url.Parse(c.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("endpoint is no http or https URL")
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

// checkHeaders refuses what gRPC or net/http would refuse with every request, leave out,
// or send in place of what this package says of the body. What is no name may be a part
// of a value, so it is not quoted.
func (c Config) checkHeaders() error {
	var wrong []error
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		lower, value := strings.ToLower(name), c.Headers[name]
		switch {
		case !c.validName(lower):
			wrong = append(wrong, errors.New("a header's name has a character that no name has"))
		case reserved(lower):
			wrong = append(wrong, fmt.Errorf("header %q is not free to be set", lower))
		case seen[lower]:
			wrong = append(wrong, fmt.Errorf("header %q is there twice", lower))
		case len(value) >= math.MaxUint16 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			wrong = append(wrong, fmt.Errorf("header %q has a value that is too long or not of printable ASCII", lower))
		}
		seen[lower] = true
	}
	return errors.Join(wrong...)
}

// validName knows tokens (RFC 9110, section 5.6.2), and gRPC's Header-Name, which is less
// (gRPC over HTTP2, "Requests"). Capitals are no matter: both clients write names their way.
func (c Config) validName(lower string) bool {
	characters := "-_.0123456789abcdefghijklmnopqrstuvwxyz"
	if c.Protocol != GRPC {
		characters += "!#$%&'*+^`|~"
	}
	return lower != "" && strings.Trim(lower, characters) == ""
}

// reserved names belong to gRPC, to the connection (RFC 9113, section 8.2.2), or to what
// this package sends.
func reserved(lower string) bool {
	switch lower {
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
		"host", "user-agent", "content-encoding", "content-length", "content-type":
		return true
	}
	return strings.HasPrefix(lower, "grpc-")
}
