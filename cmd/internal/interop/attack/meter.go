package attack

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"
)

// meter reads what a process uses, from /proc.
type meter struct{ pid int }

func (s *Stage) meter(t *testing.T) meter {
	t.Helper()
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("the cost of a process is measured in /proc")
	}
	return meter{s.process.PID()}
}

// cpu is the user and system time of the process.
func (m meter) cpu(t *testing.T) time.Duration {
	t.Helper()
	used, err := cpuTime(m.pid)
	if err != nil {
		t.Fatalf("headway is gone: %v", err)
	}
	return used
}

// memory is the process's own memory in bytes.
func (m meter) memory(t *testing.T) int {
	t.Helper()
	n := m.own()
	if n == 0 {
		t.Fatal("headway is gone")
	}
	return n
}

// own is the resident memory of the process in bytes, without the pages of its program's
// file: the kernel drops those before it kills anybody. It is 0 when there is no process.
func (m meter) own() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", m.pid))
	var size, resident, file int
	if _, err := fmt.Sscan(string(text), &size, &resident, &file); err != nil {
		return 0
	}
	return (resident - file) * os.Getpagesize()
}

// watch samples the memory every 5 ms and asks for the liveness every 100 ms.
// stop returns the most memory and the slowest answer. No answer counts as 5 s.
func (m meter) watch(admin string) (stop func() (most int, slowest time.Duration)) {
	const none = 5 * time.Second
	var most int
	var slowest time.Duration
	done, sampled, asked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		each(5*time.Millisecond, done, func() { most = max(most, m.own()) })
	}()
	go func() {
		defer close(asked)
		client := http.Client{Timeout: none, Transport: &http.Transport{DisableKeepAlives: true}}
		each(100*time.Millisecond, done, func() {
			began := time.Now()
			response, err := client.Get("http://" + admin + "/healthz/live")
			took := time.Since(began)
			if err != nil || response.StatusCode != http.StatusOK {
				took = none
			}
			if err == nil {
				_ = response.Body.Close()
			}
			slowest = max(slowest, took)
		})
	}()
	return func() (int, time.Duration) {
		close(done)
		<-sampled
		<-asked
		return most, slowest
	}
}

// each calls do at once and then at every interval, until done is closed.
func each(interval time.Duration, done <-chan struct{}, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do()
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
