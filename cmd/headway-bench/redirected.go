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

// redirectedUID is the user of a load generator whose connections the packet filter redirects. Proxies and
// upstream run as root, whose connections the rules let pass.
const redirectedUID = 65532

// isolate replaces this process by the same program with the same arguments, in a network namespace of its
// own. The rules of the packet filter then touch nothing outside the namespace, and end with it. isolate
// returns only when it fails. Only the main goroutine, locked to its thread, may call it.
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

// raiseLoopback switches on the loopback interface of the new namespace.
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

// becomeUser makes this process run as another user for good. The kernel then forgets to end the process
// with its parent, so becomeUser asks for that again.
func becomeUser(uid int) error {
	runtime.LockOSThread()
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
		return fmt.Errorf("becoming user %d: %w", uid, err)
	}
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
}

// redirect makes the packet filter redirect connections to the port from to the port to, except those of
// root.
func redirect(headway string, from, to int) error {
	return runRedirect(headway, "install", "--family", "ipv4", "--outbound-port", "none",
		"--loopback-port", strconv.Itoa(from), "--to", strconv.Itoa(to), "--exclude-uid", "0")
}

// endRedirect removes the rules of redirect.
func endRedirect(headway string) error { return runRedirect(headway, "remove") }

func runRedirect(headway string, args ...string) error {
	text, err := exec.Command(headway, append([]string{"redirect"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("headway redirect %s: %w: %s", args[0], err, strings.TrimSpace(string(text)))
	}
	return nil
}
