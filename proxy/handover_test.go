package proxy_test

import (
	"net"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
)

// TestLastExchangeLeavesItsClientADeadline even when a wake-up call was on its way to the
// reader.
func TestLastExchangeLeavesItsClientADeadline(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	w := &watched{Conn: near}
	if proxy.WakeAndEnd(w); !w.deadline {
		t.Error("the read has no deadline")
	}
}
