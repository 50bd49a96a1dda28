package sockets

// Shares of the descriptors of a process.
const (
	// reserve is for listeners, the admin port, files and exporters.
	reserve = 48
	// idleShare is the part of the rest for unused connections to upstreams: one in eight.
	idleShare = 8
)

// Shares divides the descriptors that a process may have: how many clients it may serve,
// each with a connection to an upstream, and how many unused connections to upstreams it
// may keep.
func Shares(descriptors uint64) (clients, idle int) {
	rest := int(min(descriptors, 1<<30)) - reserve
	idle = max(rest/idleShare, 1)
	return max((rest-idle)/2, 1), idle
}
