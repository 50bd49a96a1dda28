package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// redirectedUID is the user of a load generator whose connections are redirected. The proxies and
// the upstream run as root, whom the rules leave alone.
const redirectedUID = 65532

// isolate starts this program again, with the same arguments, in a network namespace of its own: the
// packet filter's rules of a run touch nothing outside and end with it, however it ends. It returns
// only when that cannot be done. The caller is the main goroutine, locked to its thread.
func isolate(args []string) error {
	if os.Geteuid() != 0 {
		return errors.New("a network namespace and redirect rules need root")
	}
	path, err := os.Executable()
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	return syscall.Exec(path, append([]string{path, roleIsolated}, args...), os.Environ())
}

// raiseLoopback switches the new namespace's loopback interface on.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("switching the loopback interface on: %w", err)
	}
	return nil
}

// becomeUser drops to a user for good. The kernel forgets at that to tell of the parent's end.
func becomeUser(uid int) error {
	runtime.LockOSThread()
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
		return fmt.Errorf("becoming user %d: %w", uid, err)
	}
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
}

// redirect leads connections to the port from, those of root excepted, to the port to.
func redirect(headway string, from, to int) error {
	return runRedirect(headway, "install", "--family", "ipv4", "--outbound-port", "none",
		"--loopback-port", strconv.Itoa(from), "--to", strconv.Itoa(to), "--exclude-uid", "0")
}

func endRedirect(headway string) error { return runRedirect(headway, "remove") }

func runRedirect(headway string, args ...string) error {
	text, err := exec.Command(headway, append([]string{"redirect"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("headway redirect %s: %w: %s", args[0], err, strings.TrimSpace(string(text)))
	}
	return nil
}
