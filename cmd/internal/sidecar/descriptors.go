package sidecar

import (
	"log/slog"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

// newGate returns a gate that keeps descriptors free for the admin port, and how many
// unused connections to each of the upstreams there may be.
func newGate(upstreams int, log *slog.Logger) (*sockets.Gate, int) {
	descriptors, err := sockets.Descriptors()
	if err != nil {
		return sockets.NewGate(0, log), 0
	}
	clients, idle := sockets.Shares(descriptors)
	return sockets.NewGate(clients, log), max(1, idle/max(1, upstreams))
}
