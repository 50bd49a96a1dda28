package transparent

import "bytes"

// Protocol is the protocol of a client, as far as its first bytes tell.
type Protocol uint8

// The protocols.
const (
	Undecided Protocol = iota // more bytes are needed
	HTTP                      // HTTP/1.x
	TLS                       // a ClientHello
	Raw                       // anything else
)

const (
	// MaxSniff bounds the bytes that Sniff reads: with so many it is never Undecided.
	MaxSniff = 16 << 10
	// maxMethod bounds a method. The longest registered one has 16 bytes.
	maxMethod = 24
)

// Sniff returns the protocol of a connection by the first bytes of its client. Once it
// has decided, it returns the same for every longer prefix of the same stream.
//
// A request line must be whole, down to its HTTP/1.x and CRLF: Redis, memcached
// and SMTP have commands that begin like one. HTTP/2 with prior knowledge begins
// like one, too (RFC 9113, section 3.4), and is Raw.
func Sniff(p []byte) Protocol {
	full := len(p) >= MaxSniff
	p = p[:min(len(p), MaxSniff)]
	verdict := Undecided
	switch {
	case len(p) == 0:
	case p[0] == recordHandshake:
		verdict = sniffTLS(p)
	default:
		verdict = sniffHTTP(p)
	}
	if verdict == Undecided && full {
		return Raw
	}
	return verdict
}

// sniffTLS looks for the head of a record and of the ClientHello in it (RFC 8446,
// sections 4 and 5.1).
func sniffTLS(p []byte) Protocol {
	for i, b := range p[:min(len(p), recordHead+1)] {
		if i == 1 && b != 3 || i == 2 && b > 4 || i == recordHead && b != handshakeClientHello {
			return Raw
		}
	}
	if len(p) <= recordHead {
		return Undecided
	}
	length := int(p[3])<<8 | int(p[4])
	if length == 0 || length > maxPlaintext {
		return Raw
	}
	if length < handshakeHead {
		return TLS // in the smallest of records, but no other protocol begins like this
	}
	if len(p) < recordHead+handshakeHead {
		return Undecided
	}
	if message := int(p[6])<<16 | int(p[7])<<8 | int(p[8]); message < minHello || message > maxHello {
		return Raw
	}
	return TLS
}

// sniffHTTP looks for a request line (RFC 9112, section 3).
func sniffHTTP(p []byte) Protocol {
	method, rest, found := cutToken(p, maxMethod, isTokenByte)
	if !found {
		return partly(method)
	}
	if len(rest) > 0 && rest[0] != '/' && rest[0] != '*' && rest[0] != '[' && !isAlphanumeric(rest[0]) {
		return Raw
	}
	target, rest, found := cutToken(rest, MaxSniff, isTargetByte)
	if !found {
		return partly(target)
	}
	const version = "HTTP/1.x\r\n"
	for i, b := range rest[:min(len(rest), len(version))] {
		if version[i] == 'x' && (b < '0' || b > '9') || version[i] != 'x' && version[i] != b {
			return Raw
		}
	}
	if len(rest) < len(version) {
		return Undecided
	}
	return HTTP
}

// cutToken cuts p at the first space, if one to limit valid bytes stand before it. When
// there is no space yet, token is the start of a possible token, or nil if p cannot
// become one.
func cutToken(p []byte, limit int, valid func(byte) bool) (token, rest []byte, found bool) {
	end := bytes.IndexByte(p[:min(len(p), limit+1)], ' ')
	token = p
	if end >= 0 {
		token, rest = p[:end], p[end+1:]
	}
	if end == 0 || end < 0 && len(p) > limit {
		return nil, nil, false
	}
	for _, b := range token {
		if !valid(b) {
			return nil, nil, false
		}
	}
	return token, rest, end > 0
}

func partly(token []byte) Protocol {
	if token == nil {
		return Raw
	}
	return Undecided
}

// isTokenByte is tchar of RFC 9110, section 5.6.2.
func isTokenByte(b byte) bool {
	return isAlphanumeric(b) || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), b) >= 0
}

func isTargetByte(b byte) bool { return b > ' ' && b != 0x7f }

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}
