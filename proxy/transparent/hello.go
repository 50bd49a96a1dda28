package transparent

import "bytes"

// The hellos, RFC 8446, sections 4.1.2 and 4.1.3.
const (
	handshakeHead        = 4
	handshakeClientHello = 1
	handshakeServerHello = 2

	// minHello is the length of a ServerHello without session and extensions, maxHello the
	// longest hello that Feed reads.
	minHello = 2 + 32 + 1 + 2 + 1
	maxHello = 64 << 10

	extensionServerName        = 0      // RFC 6066, section 3
	extensionALPN              = 16     // RFC 7301, section 3.1
	extensionSupportedVersions = 43     // RFC 8446, section 4.2.1
	extensionECH               = 0xfe0d // RFC 9849
	maxServerName              = 253    // the longest name of the DNS in text

	versionTLS13 = 0x0304
)

// Hello reads a ClientHello or a ServerHello in any pieces, and keeps the facts of its
// fields. The zero value is ready for use.
type Hello struct {
	// ServerName is the server that the client names, in lower case. It is empty when the
	// client names none, or one that is no DNS name. With ECH it is the outer name.
	ServerName string
	HTTP2      bool // h2 is among the protocols that the client offered
	ECH        bool // the true hello is encrypted, or pretends to be
	TLS13      bool // the server chose TLS 1.3

	server bool // it is a ServerHello

	next func(*Hello) bool // reads the field when it is whole; returns false at the end
	done bool

	skip, want int // bytes to skip, then bytes to collect into field
	field      [255]byte
	have       int

	position           int // in the message
	message, list, ext int // the ends of the message, of the extensions and of the present one
}

// Feed reads the next bytes of the handshake, without record heads, and tells whether it
// has read enough. It does not keep p.
func (h *Hello) Feed(p []byte) (done bool) {
	if h.next == nil && !h.done {
		h.message = handshakeHead
		h.collect(handshakeHead, h.message, (*Hello).begin)
	}
	for len(p) > 0 && !h.done {
		if n := min(h.skip, len(p)); n > 0 {
			h.skip -= n
			p = p[n:]
			continue
		}
		n := copy(h.field[h.have:h.want], p)
		h.have += n
		p = p[n:]
		if h.have == h.want {
			h.done = !h.next(h)
		}
	}
	return h.done
}

// collect makes Feed collect the next n bytes and then call next. It tells whether these
// bytes, and the skipped ones before them, are within end.
func (h *Hello) collect(n, end int, next func(*Hello) bool) bool {
	h.position += n
	h.want, h.have, h.next = n, 0, next
	return h.position <= end && n <= len(h.field)
}

// skipBytes makes Feed skip n bytes before it collects the next field.
func (h *Hello) skipBytes(n int) {
	h.skip += n
	h.position += n
}

// number is the last n bytes of the collected field, in network order.
func (h *Hello) number(n int) (v int) {
	for _, b := range h.field[h.want-n : h.want] {
		v = v<<8 | int(b)
	}
	return v
}

func (h *Hello) begin() bool {
	length := h.number(3)
	kind := h.field[0]
	if kind != handshakeClientHello && kind != handshakeServerHello || length < minHello || length > maxHello {
		return false
	}
	h.server = kind == handshakeServerHello
	h.message += length
	h.skipBytes(2 + 32) // version and random
	return h.collect(1, h.message, (*Hello).session)
}

func (h *Hello) session() bool {
	h.skipBytes(h.number(1))
	if h.server {
		h.skipBytes(2 + 1) // the cipher and the compression that it chose
		return h.collect(2, h.message, (*Hello).extensions)
	}
	return h.collect(2, h.message, (*Hello).ciphers)
}

func (h *Hello) ciphers() bool {
	h.skipBytes(h.number(2))
	return h.collect(1, h.message, (*Hello).compressions)
}

func (h *Hello) compressions() bool {
	h.skipBytes(h.number(1))
	return h.collect(2, h.message, (*Hello).extensions)
}

func (h *Hello) extensions() bool {
	h.list = h.position + h.number(2)
	return h.list <= h.message && h.nextExtension()
}

func (h *Hello) nextExtension() bool {
	return h.position < h.list && h.collect(4, h.list, (*Hello).extension)
}

func (h *Hello) extension() bool {
	length := h.number(2)
	h.ext = h.position + length
	if h.ext > h.list {
		return false
	}
	switch kind := int(h.field[0])<<8 | int(h.field[1]); {
	case h.server && kind == extensionSupportedVersions:
		return h.collect(2, h.ext, (*Hello).version)
	case h.server:
	case kind == extensionServerName && length > 0:
		return h.collect(5, h.ext, (*Hello).serverName)
	case kind == extensionALPN:
		return h.collect(2, h.ext, (*Hello).nextProtocol)
	case kind == extensionECH:
		h.ECH = true
	}
	return h.endExtension()
}

// endExtension skips the rest of the present extension.
func (h *Hello) endExtension() bool {
	h.skipBytes(h.ext - h.position)
	return h.nextExtension()
}

func (h *Hello) version() bool {
	h.TLS13 = h.number(2) == versionTLS13
	return h.endExtension()
}

// serverName reads the head of the list of names and the head of its first name. RFC
// 6066 defines one type of name, and allows one name of each type.
func (h *Hello) serverName() bool {
	length := h.number(2)
	if h.field[2] != 0 || length == 0 || length > maxServerName {
		return h.endExtension()
	}
	return h.collect(length, h.ext, (*Hello).name)
}

func (h *Hello) name() bool {
	name := bytes.TrimSuffix(h.field[:h.want], []byte("."))
	if isHostname(name) {
		for i, b := range name {
			if b >= 'A' && b <= 'Z' {
				name[i] = b | 0x20
			}
		}
		h.ServerName = string(name)
	}
	return h.endExtension()
}

func (h *Hello) nextProtocol() bool {
	if h.position >= h.ext {
		return h.endExtension()
	}
	return h.collect(1, h.ext, (*Hello).protocolLength)
}

func (h *Hello) protocolLength() bool {
	length := h.number(1)
	return length > 0 && h.collect(length, h.ext, (*Hello).protocol)
}

func (h *Hello) protocol() bool {
	if string(h.field[:h.want]) == "h2" {
		h.HTTP2 = true
	}
	return h.nextProtocol()
}

func isHostname(name []byte) bool {
	for _, b := range name {
		if !isAlphanumeric(b) && b != '-' && b != '.' && b != '_' {
			return false
		}
	}
	return len(name) > 0
}
