package interop

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Pod is a network of its own for programs that run as containers do. All of them share
// it, as the containers of a Kubernetes pod do: a name that one of them looks up is
// another of them. Making one needs root.
type Pod struct {
	Address string // the pod's address beside 127.0.0.1; only its own network reaches it
	names   []string
	network string
}

// StartPod makes a pod with an address. In it, each of the names is the host 127.0.0.1.
func StartPod(t *testing.T, address string, names ...string) *Pod {
	t.Helper()
	p := &Pod{Address: address, names: names, network: fmt.Sprintf("headway-pod-%08x", rand.Uint32())}
	p.ip(t, "netns", "add", p.network)
	t.Cleanup(func() { p.ip(t, "netns", "del", p.network) })
	p.ip(t, "-n", p.network, "link", "set", "lo", "up")
	p.ip(t, "-n", p.network, "addr", "add", address+"/32", "dev", "lo")
	return p
}

func (p *Pod) ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}

// Container is a program with files of its own. It sees no other files and no variables
// but these, it cannot write outside of its writable mounts, and it cannot gain a right.
type Container struct {
	Mounts  []Mount
	System  bool // it is linked with the libraries of this machine
	Env     []string
	User    int // and group
	Command []string
}

// Mount is a file or a folder of this machine inside a container.
type Mount struct {
	Source, Target string
	Writable       bool
}

// InImage is the path of headway in its image.
const InImage = "/usr/local/bin/headway"

// ImageProgram builds the headway of the image, which is linked with no library, and
// mounts it where the image has it.
func ImageProgram(t *testing.T) Mount {
	t.Helper()
	made := "bin/image/" + runtime.GOARCH + "/headway"
	c := exec.Command("make", made)
	c.Dir = Path(t, ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c, err, out)
	}
	return Mount{Source: Path(t, made), Target: InImage}
}

// Run starts a container in the pod. It ends with the test.
func (p *Pod) Run(t *testing.T, c Container) *Process {
	t.Helper()
	root, err := os.MkdirTemp("", "headway-pod-") // the container's user cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if c.System {
		for _, folder := range []string{"/usr", "/bin", "/lib", "/lib64"} {
			c.Mounts = append(c.Mounts, Mount{Source: folder, Target: folder})
		}
	}
	c.Mounts = append(c.Mounts, Mount{Source: "/proc", Target: "/proc", Writable: true}, Mount{Source: p.hosts(t), Target: "/etc/hosts"})
	script := []string{"set -e", "mount --bind " + root + " " + root}
	for _, m := range c.Mounts {
		target := filepath.Join(root, m.Target)
		place(t, m.Source, target)
		script = append(script, "mount --bind "+quoted(m.Source)+" "+quoted(target))
		if !m.Writable {
			script = append(script, "mount -o remount,bind,ro "+quoted(target))
		}
	}
	if err := os.Chmod(root, 0o755); err != nil { //nolint:gosec // the container's user enters it
		t.Fatal(err)
	}
	user := fmt.Sprintf("--userspec=%d:%d", c.User, c.User)
	run := slices.Concat([]string{"env", "-i"}, c.Env, []string{executable(t, "setpriv"), "--no-new-privs", executable(t, "chroot"), user, root}, c.Command)
	for i := range run {
		run[i] = quoted(run[i])
	}
	script = append(script, "mount -o remount,bind,ro "+root, "cd "+root, "exec "+strings.Join(run, " "))
	file := filepath.Join(t.TempDir(), "container")
	if err := os.WriteFile(file, []byte(strings.Join(script, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return Start(t, nil, "ip", "netns", "exec", p.network, "sh", file)
}

// hosts returns the pod's file of names.
func (p *Pod) hosts(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("127.0.0.1 localhost "+strings.Join(p.names, " ")+"\n"), 0o644); err != nil { //nolint:gosec // other users read it
		t.Fatal(err)
	}
	return file
}

// place makes what a mount of source covers.
func place(t *testing.T, source, target string) {
	t.Helper()
	info, err := os.Stat(source)
	if err == nil && info.IsDir() {
		err = os.MkdirAll(target, 0o755) //nolint:gosec // other users enter it
	} else if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, nil, 0o644)) //nolint:gosec // the same
	}
	if err != nil {
		t.Fatal(err)
	}
}

func executable(t *testing.T, program string) string {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// quoted is one word for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Forward returns an address of this machine whose connections go on to an address in
// the pod, which must be numeric: 127.0.0.1:8480 for a port that only the pod's own
// containers reach, or one with the pod's Address.
func (p *Pod) Forward(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go p.relay(from, address)
		}
	}()
	return l.Addr().String()
}

// relay joins a connection with an address of the pod.
func (p *Pod) relay(from net.Conn, address string) {
	defer func() { _ = from.Close() }()
	to, err := p.dial(address)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// dial connects from inside the pod, on a thread that ends with the call.
func (p *Pod) dial(address string) (to net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var file *os.File
		if file, err = os.Open("/run/netns/" + p.network); err != nil {
			return
		}
		err = errors.Join(unix.Setns(int(file.Fd()), unix.CLONE_NEWNET), file.Close())
		if err == nil {
			to, err = net.Dial("tcp", address)
		}
	}()
	<-done
	return to, err
}
