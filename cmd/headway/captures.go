package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/headway-sidecar/headway/exporter/capture"
)

// errEmptyCapture says that captures hold no exchange.
var errEmptyCapture = errors.New("there is no exchange in the capture; headway writes an exchange up to a second after its end")

// checkCaptures returns every problem of the names of captures.
func checkCaptures(files []string) []error {
	var wrong []error
	if len(files) == 0 {
		wrong = append(wrong, errors.New("which capture? name a file, or - for standard input"))
	}
	return append(wrong, twice(files, "exchanges")...)
}

// twice returns the problems of names that lead to one file, whose contents would count
// twice. Standard input is one too.
func twice(files []string, contents string) (wrong []error) {
	for i, name := range files {
		at := slices.IndexFunc(files[:i], func(other string) bool { return sameFile(other, name) })
		switch {
		case at < 0:
		case isStandardInput(name):
			wrong = append(wrong, fmt.Errorf("%q and %q are both standard input, which can be read once; name a file for one of them", files[at], name))
		default:
			wrong = append(wrong, fmt.Errorf("%q and %q are one file, whose %s would count twice", files[at], name, contents))
		}
	}
	return wrong
}

// sameFile says whether two names lead to one file. Standard input is one too, by the name -
// or as /dev/stdin.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	one, err := statOf(a)
	other, failed := statOf(b)
	return err == nil && failed == nil && os.SameFile(one, other)
}

// isStandardInput says whether a name leads to standard input.
func isStandardInput(name string) bool { return sameFile(name, "-") }

// statOf is what the system knows of a file; the name - is standard input.
func statOf(name string) (os.FileInfo, error) {
	if name == "-" {
		return os.Stdin.Stat()
	}
	return os.Stat(name)
}

// littleMemory makes the garbage of a long capture's lines take little room beside the
// numbers that the reader keeps, until the caller calls end. The numbers have no pointers,
// so that collecting often costs little.
func littleMemory() (end func()) {
	before := debug.SetGCPercent(25)
	return func() { debug.SetGCPercent(before) }
}

// readCaptures hands the lines of all files to add. It passes over lines that it cannot
// read, and prints their number and the first error of each file to stderr.
func readCaptures(command string, files []string, stderr io.Writer, add func(capture.Line)) error {
	for _, name := range files {
		if err := addCapture(command, name, stderr, add); err != nil {
			return err
		}
	}
	return nil
}

func addCapture(command, name string, stderr io.Writer, add func(capture.Line)) error {
	in := os.Stdin
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	broken, first := 0, error(nil)
	for line, err := range capture.Read(in) {
		var bad *capture.LineError
		switch {
		case errors.As(err, &bad):
			if broken++; broken == 1 {
				first = bad
			}
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		default:
			add(line)
		}
	}
	if broken > 0 {
		fmt.Fprintf(stderr, "headway %s: %s: lines passed over: %d, the first: %v\n", command, name, broken, first)
	}
	return nil
}
