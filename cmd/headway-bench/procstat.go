package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the user and system time of all threads of a process, including threads that have
// ended. It reads the CPU clock of the process in nanoseconds; clock_getcpuclockid(3) makes the id of
// that clock from the pid. /proc/PID/stat would count in ticks of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &ts); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// runDelay returns the time for which the threads of a process waited for a core although they could have
// run. It is 0 when the kernel does not keep that time, because it only explains a measurement.
func runDelay(pid int) time.Duration {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		sum += parseRunDelay(text)
	}
	return sum
}

// parseRunDelay reads the second field of a schedstat line: time on the run queue in nanoseconds.
func parseRunDelay(text []byte) time.Duration {
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

// residentBytes returns the resident memory of a process.
func residentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseResident(text)
}

// parseResident reads VmRSS of /proc/PID/status, in bytes.
func parseResident(status []byte) (int64, error) {
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS in the process status")
}

// processTree returns pid and all its descendants.
func processTree(pid int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended meanwhile
		}
		if child, parent, err := parseParent(text); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// parseParent reads a process and its parent from /proc/PID/stat. The name between the two is in
// parentheses and may contain any character.
func parseParent(stat []byte) (pid, parent int, err error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	first, _, found := strings.Cut(string(stat), " ")
	if end < 0 || !found || len(fields) < 2 {
		return 0, 0, fmt.Errorf("unknown form of process status: %.100q", stat)
	}
	if pid, err = strconv.Atoi(first); err != nil {
		return 0, 0, err
	}
	parent, err = strconv.Atoi(fields[1])
	return pid, parent, err
}

// goroutineCount scrapes go_goroutines from /metrics at an admin address.
func goroutineCount(admin string) (int, error) {
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://" + admin + "/metrics")
	if err != nil {
		return 0, fmt.Errorf("scraping the proxy's metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return parseGoroutines(response.Body)
}

func parseGoroutines(exposition io.Reader) (int, error) {
	lines := bufio.NewScanner(exposition)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "go_goroutines "); found {
			n, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return int(n), err
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errors.New("no go_goroutines in the proxy's metrics")
}
