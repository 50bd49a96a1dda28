package proxy_test

import (
	"net"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
)

// TestLastExchangeLeavesItsClientADeadline, whatever its reader was woken for.
func TestLastExchangeLeavesItsClientADeadline(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	w := &watched{Conn: near}
	if proxy.WakeAndEnd(w); !w.deadline {
		t.Error("the connection is read for as long as the client likes")
	}
}
