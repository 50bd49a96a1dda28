package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal makes a pseudo terminal. The other end reads the bytes that a program writes to it.
func terminal(t *testing.T) (terminal, other *os.File) {
	t.Helper()
	other, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = other.Close() })
	if err := unix.IoctlSetPointerInt(int(other.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(other.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal, other
}

// importOn imports a file with standard error on a pseudo terminal, and returns the exit
// code and what the terminal showed.
func importOn(t *testing.T, name string) (code int, shown string) {
	t.Helper()
	screen, other := terminal(t)
	code = dispatch(context.Background(), append([]string{"baseline"}, told("--concurrency", "3", "--out", filepath.Join(t.TempDir(), "out.json"), name)...), io.Discard, screen)
	if err := screen.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(other) // which ends with EIO when the terminal is closed
	return code, string(text)
}

func TestATerminalShowsHowFarALargeFileIs(t *testing.T) {
	const point = `{"metric":"http_req_duration","type":"Point","data":{"time":"2026-11-29T18:38:45.58Z","value":852.6,"tags":{"status":"200"}}}` + "\n"
	// White space between the values makes the file large.
	large := written(t, "large.json", point+point+strings.Repeat(" ", largeFile))
	code, shown := importOn(t, large)
	if code != exitOK || !strings.HasPrefix(shown, "\rreading "+large+": 0 %\r") || !strings.Contains(shown, "\rreading "+large+": 100 %\r\nheadway baseline: cells: 1") {
		t.Errorf("exit code %d, %q", code, shown)
	}
	refused := written(t, "refused.json", point+"x")
	if err := os.Truncate(refused, largeFile); err != nil {
		t.Fatal(err)
	}
	if code, shown := importOn(t, refused); code != exitUsage || !strings.HasPrefix(shown, "\rreading "+refused+": 0 %\r\n") || !strings.Contains(shown, "line 2") {
		t.Errorf("an error on the line of the progress: exit code %d, %q", code, shown)
	}
	if code, shown := importOn(t, written(t, "small.json", point)); code != exitOK || strings.Contains(shown, "reading") {
		t.Errorf("of a small file: exit code %d, %q", code, shown)
	}
	if code, _, errs := baselineCommand(t, told("--concurrency", "3", refused)...); code != exitUsage || strings.Contains(errs, "reading") {
		t.Errorf("without a terminal: exit code %d, %q", code, errs)
	}
}
