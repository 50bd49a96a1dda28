//go:build interop

package redirect_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// host is the name of a network namespace that a test made.
type host string

// The two hosts have addresses that are reserved for documentation (RFC 5737, RFC
// 3849).
const (
	appV4, farV4 = "192.0.2.1", "192.0.2.2"
	appV6, farV6 = "2001:db8::1", "2001:db8::2"
)

// twoHosts makes two hosts with a cable between them.
func twoHosts(t *testing.T) (app, far host) {
	t.Helper()
	app, far = newHost(t), newHost(t)
	system(t, "ip", "-n", string(app), "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", string(far))
	for h, addresses := range map[host][]string{app: {appV4 + "/24", appV6 + "/64"}, far: {farV4 + "/24", farV6 + "/64"}} {
		system(t, "ip", "-n", string(h), "addr", "add", addresses[0], "dev", "eth0")
		system(t, "ip", "-n", string(h), "addr", "add", addresses[1], "dev", "eth0", "nodad")
		system(t, "ip", "-n", string(h), "link", "set", "eth0", "up")
	}
	return app, far
}

func newHost(t *testing.T) host {
	t.Helper()
	h := host(fmt.Sprintf("headway-interop-%08x", rand.Uint32()))
	system(t, "ip", "netns", "add", string(h))
	t.Cleanup(func() {
		system(t, "ip", "netns", "del", string(h))
		if err := os.RemoveAll(h.etc()); err != nil {
			t.Error(err)
		}
	})
	system(t, "ip", "-n", string(h), "link", "set", "lo", "up")
	return h
}

// etc returns the folder with the files that programs on the host find in /etc: see
// ip-netns(8).
func (h host) etc() string { return filepath.Join("/etc/netns", string(h)) }

// know makes programs on the host resolve names to address.
func (h host) know(t *testing.T, address string, names ...string) {
	t.Helper()
	err := errors.Join(
		os.MkdirAll(h.etc(), 0o755),
		os.WriteFile(filepath.Join(h.etc(), "hosts"), []byte(address+" "+strings.Join(names, " ")+"\n127.0.0.1 localhost\n::1 localhost\n"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// command returns a command line that runs args on the host. It replaces itself by
// args, so that both are one process.
func (h host) command(args ...string) []string {
	return append([]string{"ip", "netns", "exec", string(h)}, args...)
}

// system runs a program to its end and returns its output.
func system(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command(args[0], args[1:]...)
	var complaints strings.Builder
	command.Stderr = &complaints
	// A program that hangs would hang the test, so a timer kills it.
	patience := time.AfterFunc(20*time.Second, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, &complaints)
	}
	return string(out)
}

// on runs f on the host, on a thread that ends with it.
func on[T any](h host, f func() (T, error)) (result T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var file *os.File
		if file, err = os.Open("/run/netns/" + string(h)); err != nil {
			return
		}
		err = errors.Join(unix.Setns(int(file.Fd()), unix.CLONE_NEWNET), file.Close())
		if err == nil {
			result, err = f()
		}
	}()
	<-done
	return result, err
}

// listen listens on a port at all addresses of the host.
func (h host) listen(t *testing.T, port string) net.Listener {
	t.Helper()
	l, err := on(h, func() (net.Listener, error) { return net.Listen("tcp", ":"+port) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dial connects from the host to an address. The address must be numeric.
func (h host) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return on(h, func() (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, network, address)
	})
}
