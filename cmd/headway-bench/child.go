package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// placement is the core of a child, and the number of files that it may open.
type placement struct{ core, descriptors int }

func (p placement) args() []string {
	return []string{strconv.Itoa(p.core), strconv.Itoa(p.descriptors)}
}

func parsePlacement(args []string) (placement, error) {
	var p placement
	if len(args) < 2 {
		return p, errors.New("want a core and a number of descriptors")
	}
	var err error
	if p.core, err = strconv.Atoi(args[0]); err != nil {
		return p, err
	}
	p.descriptors, err = strconv.Atoi(args[1])
	return p, err
}

// execPinned applies the placement at the start of args, and replaces this process by the command behind
// it. The process keeps its id.
func execPinned(args []string) error {
	p, err := parsePlacement(args)
	if err != nil {
		return err
	}
	argv := args[2:]
	if len(argv) == 0 {
		return errors.New("want a command")
	}
	var set unix.CPUSet
	set.Set(p.core)
	// This is the main thread: it survives exec and keeps its core.
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("binding to core %d: %w", p.core, err)
	}
	if err := raiseDescriptors(uint64(p.descriptors)); err != nil {
		return err
	}
	return fmt.Errorf("starting %s: %w", argv[0], syscall.Exec(argv[0], argv, os.Environ()))
}

func raiseDescriptors(n uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	raised := unix.Rlimit{Cur: max(n, limit.Cur), Max: max(n, limit.Max)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return fmt.Errorf("raising the limit of open files from %d to %d: %w", limit.Max, n, err)
	}
	return nil
}

// child is a process that the benchmark started.
type child struct {
	cmd    *exec.Cmd
	stderr string // path of the file with its standard error
	done   chan struct{}
	err    error // valid when done is closed
}

// start runs argv with this placement. Its standard error goes to a file in dir. Only the main goroutine
// may call start; see main.
func start(argv, env []string, place placement, dir string, stdin io.Reader, stdout io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(dir, "stderr-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(self, slices.Concat([]string{rolePinned}, place.args(), argv)...)
	cmd.Env = append(ownEnvironment(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, log
	cmd.Dir = dir
	// With a process group of its own the child does not get Ctrl-C: the benchmark does, and ends its
	// children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, stderr: log.Name(), done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// ownEnvironment returns the environment without the variables that configure headway and its exporters.
func ownEnvironment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HEADWAY_") && !strings.HasPrefix(v, "OTEL_") {
			env = append(env, v)
		}
	}
	return env
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// wait returns when the child has ended, or with an error when ctx ends first.
func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.done:
		if c.err != nil {
			return fmt.Errorf("%w: %s", c.err, c.complaint())
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// complaint returns the last 1000 bytes of the child's standard error.
func (c *child) complaint() string {
	text, err := os.ReadFile(c.stderr)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}

// stop ends the child with SIGTERM. A child that still runs after 5 s gets SIGKILL, together with its
// descendants.
func (c *child) stop() {
	family, _ := processTree(c.pid())
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(5 * time.Second):
		for _, pid := range family {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-c.done
	}
}

// freePort returns a port of 127.0.0.1 that is free now; another process may still take it.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// cores picks two of the cores that this process may use: one for the proxy, and one for upstream and load
// generator. The two are the same when there is only one.
func cores() (proxy, load int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, err
	}
	var allowed []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			allowed = append(allowed, core)
		}
	}
	return allowed[0], allowed[min(1, len(allowed)-1)], nil
}

// self returns the command that starts this program again in a role.
func self(role string) ([]string, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	return []string{path, role}, err
}
