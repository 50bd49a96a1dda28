//go:build interop

package retries_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// clientLog is a client's own log of a call.
type clientLog struct {
	ID       string          `json:"id"`
	Start    float64         `json:"start_ms"`
	End      float64         `json:"end_ms"`
	Attempts []clientAttempt `json:"attempts"`
	Text     string          `json:"text"`
	Error    string          `json:"error"`
	Message  string          `json:"message"`
}

// clientAttempt is one request up to the head of its response.
type clientAttempt struct {
	Start  float64 `json:"start_ms"`
	End    float64 `json:"end_ms"`
	Status int     `json:"status"`
	Error  string  `json:"error"`
}

// duration returns the time that the application waited, from the start of the first
// attempt.
func (c *clientLog) duration() time.Duration {
	if len(c.Attempts) == 0 {
		return 0
	}
	return milliseconds(c.End - c.Attempts[0].Start)
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// outcome returns the end of the call, in the words of chains. A call with the answer,
// or all bytes of it, at the client was answered. A client that left the last attempt
// has abandoned the call.
func (c *retryCall) outcome() string {
	how := "exhausted"
	switch {
	case c.client.Error == "" || c.did() == answeredWhole:
		how = c.answered()
	case slices.Contains([]string{unanswered, unfinished, leftMidAnswer}, c.did()):
		how = "abandoned"
	}
	return fmt.Sprintf("%s after %d", how, len(c.client.Attempts))
}

// outcomes returns the ends that headway may report for the call. There is one, but for
// an SDK that closed the connection while the last bytes of a good answer were on their
// way: headway may have sent them all before it sees that the client left, or not.
func (c *retryCall) outcomes() []string {
	ends := []string{c.outcome()}
	if c.spoilt() {
		ends = append(ends, strings.Replace(ends[0], "abandoned", c.answered(), 1))
	}
	return ends
}

// answered returns the word of chains for a call whose last attempt has its answer.
func (c *retryCall) answered() string {
	if len(c.client.Attempts) == 1 {
		return "first_try"
	}
	return "recovered"
}

// spoilt says whether the SDK failed the call by itself, although the server sent a
// good answer.
func (c *retryCall) spoilt() bool {
	return c.client.Error != "" && (c.did() == answeredWhole || c.did() == leftMidAnswer)
}

// did says what the server did to the last attempt, as seen.Did.
func (c *retryCall) did() string {
	saw := c.server.saw()
	if len(saw) == 0 {
		return ""
	}
	return saw[len(saw)-1].Did
}

// routesTo returns a route for every call. The upstream's port then shows the call of
// each capture line.
func routesTo(calls []*retryCall) string {
	var routes []string
	for i, c := range calls {
		routes = append(routes, fmt.Sprintf("/c%d=%s", i, c.server.URL))
	}
	return strings.Join(routes, ",")
}

// leadThrough makes the calls go through headway.
func leadThrough(calls []*retryCall, headway string) {
	for i, c := range calls {
		c.URL = fmt.Sprintf("%s/c%d", headway, i)
	}
}

// upstream returns the host and port of the call's server.
func (c *retryCall) upstream() string {
	u, err := url.Parse(c.server.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// atATime is the number of drivers that run at the same time. Each needs much CPU time
// to start, and then mostly sleeps.
const atATime = 3

// driveRetries makes all calls, with one process for each SDK, and returns when the
// slowest has ended.
func driveRetries(t *testing.T, calls []*retryCall) {
	t.Helper()
	sdks := retrySDKs()
	slices.SortStableFunc(sdks, func(a, b retrySDK) int { return toInt(b.slow) - toInt(a.slow) })
	lanes := make(chan struct{}, atATime)
	var all sync.WaitGroup
	for _, sdk := range sdks {
		lanes <- struct{}{}
		all.Go(func() {
			defer func() { <-lanes }()
			var own []*retryCall
			for _, c := range calls {
				if c.SDK == sdk.name {
					own = append(own, c)
				}
			}
			if err := sdk.drive(t, own); err != nil {
				t.Errorf("%s: %v", sdk.name, err)
			}
		})
	}
	all.Wait()
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// drive makes the calls of one SDK, all at the same time.
func (s retrySDK) drive(t *testing.T, calls []*retryCall) error {
	orders, err := json.Marshal(calls)
	if err != nil {
		return err
	}
	argv := map[string][]string{
		"node":   {"node", interop.Driver(t, "node/retries.mjs")},
		"python": {interop.Tool(t, "python-retries/bin/python"), interop.Driver(t, "python/retries.py")},
		"go":     {interop.Tool(t, "bin/retries")},
	}[s.driver]
	var printed, complaints bytes.Buffer
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(orders), &printed, &complaints
	command.Env = clientEnvironment()
	patience := time.AfterFunc(4*time.Minute, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, complaints.Bytes())
	}
	for _, line := range interop.DecodeLines[clientLog](t, printed.Bytes()) {
		for _, c := range calls {
			if c.ID == line.ID {
				c.client = line
			}
		}
	}
	return nil
}

// clientEnvironment returns the environment without the variables that would change a
// client's retries or its destination.
func clientEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		for _, prefix := range []string{"OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AWS_", "LANGCHAIN_", "LANGSMITH_", "LITELLM_", "OTEL_"} {
			if strings.HasPrefix(entry, prefix) {
				return true
			}
		}
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasSuffix(strings.ToLower(name), "_proxy")
	})
}
