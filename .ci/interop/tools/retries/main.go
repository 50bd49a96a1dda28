// Command retries makes calls with an SDK for Go and its own retry settings, and
// prints one JSON line a call: the attempts as the client itself sees them, when
// the call began and ended for the application, and how. It reads the calls from
// standard input and runs them at the same time, each with a client of its own;
// they start one after the other.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// call is what to do. URL is the base of the API's.
type call struct {
	ID        string `json:"id"`
	SDK       string `json:"sdk"`
	URL       string `json:"url"`
	Prompt    string `json:"prompt"`
	Stream    bool   `json:"stream"`
	TimeoutMS int    `json:"timeout_ms"` // 0: the SDK's own
}

func (c call) timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

// line is what came of a call.
type line struct {
	ID       string     `json:"id"`
	Start    float64    `json:"start_ms"`
	End      float64    `json:"end_ms"`
	Attempts []*attempt `json:"attempts"`
	Text     string     `json:"text,omitempty"`
	Error    string     `json:"error,omitempty"`
	Message  string     `json:"message,omitempty"`
}

// attempt is one request, up to the head of its response.
type attempt struct {
	Start  float64 `json:"start_ms"`
	End    float64 `json:"end_ms,omitempty"`
	Status int     `json:"status,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// record has send make an attempt. The attempts of one call never overlap.
func (l *line) record(send func() (status int, err error)) {
	a := &attempt{Start: now()}
	l.Attempts = append(l.Attempts, a)
	status, err := send()
	a.End, a.Status = now(), status
	if err != nil {
		a.Error = err.Error()
	}
}

// roundTrip makes an HTTP attempt and records it. The body of the response is the
// caller's to close.
func (l *line) roundTrip(r *http.Request, send func(*http.Request) (*http.Response, error)) (response *http.Response, err error) {
	l.record(func() (int, error) {
		response, err = send(r) //nolint:bodyclose // handed on to the SDK, which closes it
		if err != nil {
			return 0, err
		}
		return response.StatusCode, nil
	})
	return response, err
}

// sdks make a client, and return what makes the call with it.
var sdks = map[string]func(call, *line) func(context.Context) (string, error){
	"openai-go":       openAI,
	"anthropic-go":    anthropicMessages,
	"google-genai-go": googleGenAI,
	"bedrock-go":      bedrock,
}

const startApart = 25 * time.Millisecond

func main() {
	var calls []call
	if err := json.NewDecoder(os.Stdin).Decode(&calls); err != nil {
		fmt.Fprintln(os.Stderr, "retries: reading the calls:", err)
		os.Exit(1)
	}
	var all sync.WaitGroup
	var printing sync.Mutex
	out := json.NewEncoder(os.Stdout)
	for _, c := range calls {
		sdk := sdks[c.SDK]
		if sdk == nil {
			fmt.Fprintln(os.Stderr, "retries: no SDK is called", c.SDK)
			os.Exit(1)
		}
		l := &line{ID: c.ID, Attempts: []*attempt{}}
		makeCall := sdk(c, l)
		all.Go(func() {
			l.Start = now()
			text, err := makeCall(context.Background())
			l.End, l.Text = now(), text
			if err != nil {
				l.Text, l.Error, l.Message = "", fmt.Sprintf("%T", innermost(err)), err.Error()
			}
			printing.Lock()
			defer printing.Unlock()
			if err := out.Encode(l); err != nil {
				fmt.Fprintln(os.Stderr, "retries: printing:", err)
			}
		})
		time.Sleep(startApart)
	}
	all.Wait()
}

// innermost is the error that err wraps at last.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e6 }
