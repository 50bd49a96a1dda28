// Command retries makes calls with SDKs for Go, which retry by their own defaults. It reads
// the calls from standard input and prints a JSON line for each: the attempts as the client
// sees them, start and end of the call as the application sees them, and its result. Every
// call has a client of its own. The calls start one after another and run at the same time.
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

// call is a call to make.
type call struct {
	ID        string `json:"id"`
	SDK       string `json:"sdk"`
	URL       string `json:"url"` // the base of the API
	Prompt    string `json:"prompt"`
	Stream    bool   `json:"stream"`
	TimeoutMS int    `json:"timeout_ms"` // 0 stands for the SDK's default
}

func (c call) timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

// line is the result of a call. Times are milliseconds since 1970.
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

// record notes an attempt, which send makes. The attempts of one call never overlap.
func (l *line) record(send func() (status int, err error)) {
	a := &attempt{Start: now()}
	l.Attempts = append(l.Attempts, a)
	status, err := send()
	a.End, a.Status = now(), status
	if err != nil {
		a.Error = err.Error()
	}
}

// roundTrip makes an HTTP attempt with send and records it. The caller closes the body of
// the response.
func (l *line) roundTrip(r *http.Request, send func(*http.Request) (*http.Response, error)) (response *http.Response, err error) {
	l.record(func() (int, error) {
		response, err = send(r) //nolint:bodyclose // the SDK closes it
		if err != nil {
			return 0, err
		}
		return response.StatusCode, nil
	})
	return response, err
}

// sdks prepares a call with each SDK: the value makes a client, and returns a function that
// makes the call with the client and returns the text of the answer.
var sdks = map[string]func(call, *line) func(context.Context) (string, error){
	"openai-go":       openAI,
	"anthropic-go":    anthropicMessages,
	"google-genai-go": googleGenAI,
	"bedrock-go":      bedrock,
}

// startApart is the time between the starts of two calls.
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
			l.run(makeCall)
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

// run makes the call and notes its result.
func (l *line) run(makeCall func(context.Context) (string, error)) {
	l.Start = now()
	text, err := makeCall(context.Background())
	l.End, l.Text = now(), text
	if err != nil {
		l.Text, l.Error, l.Message = "", fmt.Sprintf("%T", innermost(err)), err.Error()
	}
}

// innermost returns the last error in the chain that err wraps.
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
