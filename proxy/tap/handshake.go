package tap

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// handshake is what the head of a 101 response says of a WebSocket (RFC 6455, section 4.2.2).
type handshake struct {
	websocket      bool
	protocol       string // that the server chose
	strange        bool   // an extension that the tap does not know
	client, server compression
}

// compression is that of one direction (RFC 7692).
type compression struct {
	on       bool
	takeover bool // a message may refer to those before it
}

// field reads a field of the head.
func (h *handshake) field(name, value []byte) {
	switch {
	case exchange.EqualFold(name, "upgrade"):
		h.websocket = exchange.EqualFold(value, "websocket")
	case exchange.EqualFold(name, "sec-websocket-protocol"):
		h.protocol = string(value)
	case exchange.EqualFold(name, "sec-websocket-extensions"):
		for extension := range strings.SplitSeq(string(value), ",") {
			h.extension(extension)
		}
	}
}

// extension reads an extension and its parameters.
func (h *handshake) extension(text string) {
	name, parameters, _ := strings.Cut(text, ";")
	if name = strings.TrimSpace(name); name == "" {
		return
	}
	if name != "permessage-deflate" || h.client.on {
		h.strange = true
		return
	}
	h.client, h.server = compression{true, true}, compression{true, true}
	for parameter := range strings.SplitSeq(parameters, ";") {
		switch strings.TrimSpace(parameter) {
		case "client_no_context_takeover":
			h.client.takeover = false
		case "server_no_context_takeover":
			h.server.takeover = false
		}
	}
}

// readable reports whether the tap can read the connection. The one protocol that the
// dialects know is Realtime's.
func (h *handshake) readable() bool {
	return h.websocket && !h.strange && (h.protocol == "" || h.protocol == "realtime")
}
