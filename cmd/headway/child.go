package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/term"
)

// exitStatus is how a child ended, and how this process is to end: 0 to 255.
type exitStatus int

func (e exitStatus) Error() string { return "exit code " + strconv.Itoa(int(e)) }

// runChild runs command to its end and hands on to it what signals come. The error
// is an exitStatus when it ran and did not succeed.
func runChild(command []string, out, errs io.Writer) error {
	child := exec.Command(command[0], command[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, out, errs
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return fmt.Errorf("starting the command: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case s := <-signals:
			if !fromTerminal(s) {
				_ = child.Process.Signal(s) // it may have ended just now
			}
		case err := <-ended:
			return childStatus(err)
		}
	}
}

// fromTerminal tells whether s was typed: then the terminal has sent it to the
// child too.
func fromTerminal(s os.Signal) bool {
	return (s == syscall.SIGINT || s == syscall.SIGQUIT) && term.IsTerminal(int(os.Stdin.Fd()))
}

// childStatus is err, of waiting for a child, as the code that a shell would give:
// 128 and the signal's number when one ended it.
func childStatus(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitStatus(128 + int(status.Signal()))
	}
	return exitStatus(exit.ExitCode())
}
