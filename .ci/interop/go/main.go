// Command clients makes the calls of calls_clients.json, one after the other, with OpenAI's SDK
// for Go, and prints one JSON line a call: the answer that the application got, and the time at
// which it left before the end. It makes only the calls of the APIs in a list.
//
// Usage: clients LIST API,API,… BASE_URL
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// call is a call to make.
type call struct {
	Name       string            `json:"name"`
	API        string            `json:"api"`
	Prompt     string            `json:"prompt"`
	MaxTokens  int64             `json:"max_tokens"`
	ToolChoice string            `json:"tool_choice"`
	Headers    map[string]string `json:"headers"`
	LeaveAfter int               `json:"leave_after"`
	Params     struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
	} `json:"params"`
}

// line is the answer to a call.
type line struct {
	Name      string     `json:"name"`
	Text      string     `json:"text"`
	Reasoning string     `json:"reasoning"`
	Calls     []toolCall `json:"calls,omitempty"`
	Finish    string     `json:"finish,omitempty"`
	Usage     counts     `json:"usage"`
	Embedding string     `json:"embedding,omitempty"`
	Events    int        `json:"events"`
	Left      float64    `json:"left_ms,omitempty"` // milliseconds since 1970
	Error     *failure   `json:"error,omitempty"`
}

type toolCall struct {
	Name  string         `json:"name"`
	Input map[string]any `json:"input"`
}

// counts are those of tokens that the server reported.
type counts struct {
	Input  int64 `json:"input"`
	Output int64 `json:"output"`
}

type failure struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// errLeft says that the application leaves in the middle of a stream.
var errLeft = errors.New("the application leaves")

// piece counts an event of a stream.
func (l *line) piece(c call) error {
	if l.Events++; l.Events == c.LeaveAfter {
		l.Left = now()
		return errLeft
	}
	return nil
}

// fail notes how the call failed.
func (l *line) fail(err error, status int) {
	if !errors.Is(err, errLeft) {
		l.Left, l.Error = now(), &failure{status, err.Error()}
	}
}

func main() {
	if err := run(os.Args[1], strings.Split(os.Args[2], ","), os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

func run(list string, apis []string, baseURL string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var calls []call
	if err := json.Unmarshal(text, &calls); err != nil {
		return fmt.Errorf("reading %s: %w", list, err)
	}
	client, out := connect(baseURL), json.NewEncoder(os.Stdout)
	for _, c := range calls {
		if !slices.Contains(apis, c.API) {
			continue
		}
		l := line{Name: c.Name}
		if err := client.make(c, &l); err != nil {
			l.fail(err, status(err))
		}
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e6 }
