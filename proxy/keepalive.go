package proxy

import (
	"net"
	"time"
)

// keepAlive makes the kernel probe silent connections, on either side. A model may think
// for minutes. Address translators and load balancers between forget a connection that
// is silent for a few minutes, and the probes prevent that. The kernel gives up a peer
// that has vanished after 15 s + 9 × 15 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 9}

// setKeepAlive sets keepAlive on a client's connection.
func setKeepAlive(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive) // it fails on a connection that has ended; so will the next read
	}
}
