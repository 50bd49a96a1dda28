package proxy

// way is how a client's bytes reach an upstream.
type way uint8

const (
	// pooled: each request gets a connection of a pool. headway speaks for itself: it writes
	// heads in its own form, refuses a request that it cannot serve, and takes the end of a
	// client's sending side for its departure. Explicit mode begins in this way.
	pooled way = iota
	// pinned: all bytes go to one connection, and both live and end together. headway says
	// nothing of its own: it forwards heads as they came, and the end of a side as an end.
	// Transparent mode has this way, and so has a tunnel of HTTP/2.
	pinned
)
