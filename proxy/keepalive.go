package proxy

import (
	"net"
	"time"
)

// keepAlive makes the kernel probe connections that are silent, on either side. A
// model may think for minutes: the probes keep the stream known to the address
// translators and balancers between, which forget what is silent for a few minutes,
// and a peer that vanished without a word is given up after 15 s + 9 × 15 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 9}

// setKeepAlive sets keepAlive on a client's connection.
func setKeepAlive(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive) // one that has ended will tell
	}
}
