//go:build interop

package retries_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fault is how the scripted server fails one attempt.
type fault struct {
	status int         // of the answer; 0 for one of the faults below
	header http.Header // of that answer

	reset  bool // the connection is reset before the response
	silent bool // no answer before the client leaves
	cut    bool // 200 and half the answer, then a reset, or silence with silent
}

// script says how the server treats the attempts of one call: it fails the first ones,
// each with its fault, and answers the rest.
type script struct {
	faults  []fault
	forGood bool // the last fault goes on for ever
}

// fault returns the fault of attempt n, counted from 0, or nil if the server answers
// it.
func (s script) fault(n int) *fault {
	switch {
	case n < len(s.faults):
		return &s.faults[n]
	case s.forGood:
		return &s.faults[len(s.faults)-1]
	}
	return nil
}

// seen is an attempt as the server saw it.
type seen struct {
	Start, End time.Time
	Conn       string            // the client's address
	Target     string            // method and path
	Names      []string          // of the header fields, sorted
	Markers    map[string]string // the fields of markers
	Body       string            // a hash
	Did        string
	Left       bool // the client closed the connection before the end of the answer
}

// markers returns the header fields that might identify an attempt, a call or a client.
func markers() []string {
	return []string{
		"X-Stainless-Retry-Count", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Idempotency-Key", "X-Request-Id",
		"X-Client-Request-Id", "Traceparent", "X-Litellm-Call-Id",
	}
}

// scripted is a server for one call. It has a port of its own, which shows the call of
// each capture line, whatever the dialect.
type scripted struct {
	*httptest.Server
	script script

	mu       sync.Mutex
	attempts []seen
}

// serve starts a server that plays the script once.
func serve(t *testing.T, s script) *scripted {
	t.Helper()
	server := &scripted{script: s}
	server.Server = httptest.NewServer(server)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// saw returns the attempts in order of arrival.
func (s *scripted) saw() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	attempt := seen{Start: time.Now(), Conn: r.RemoteAddr, Target: r.Method + " " + r.URL.RequestURI(), Markers: map[string]string{}}
	for name := range r.Header {
		attempt.Names = append(attempt.Names, name)
	}
	slices.Sort(attempt.Names)
	for _, name := range markers() {
		if value := r.Header.Get(name); value != "" {
			attempt.Markers[name] = value
		}
	}
	body, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	attempt.Body = hex.EncodeToString(sum[:6])
	s.mu.Lock()
	n := len(s.attempts)
	s.attempts = append(s.attempts, attempt)
	s.mu.Unlock()

	did := ""
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		at := &s.attempts[n]
		at.End, at.Did, at.Left = time.Now(), did, r.Context().Err() != nil
	}()
	if err != nil {
		did = "request broke off: " + err.Error()
		return
	}
	answer := answerTo(r.URL.Path, body)
	if answer == nil {
		did = "404"
		http.NotFound(w, r)
		return
	}
	did = s.script.fault(n).act(r.Context(), w, answer)
}

// Values of seen.Did. With the first three the client left: before the answer, after
// half an answer, or during a whole answer. With the last it got the whole answer.
const (
	unanswered    = "nothing"
	unfinished    = "200, then nothing"
	leftMidAnswer = "200, until the client left"
	answeredWhole = "200"
)

// serverPatience is the time that a silent server waits for the client to leave. Some
// clients never do, because their timeout ends with the head of the response.
const serverPatience = 6 * time.Second

// act fails the attempt, or answers it if f is nil, and returns a description for
// seen.Did. The context client ends when the client leaves. The parts of a streamed
// answer are 5 ms apart.
func (f *fault) act(client context.Context, w http.ResponseWriter, answer *wireAnswer) string {
	switch {
	case f == nil:
		if !answer.write(w, len(answer.parts)) {
			return leftMidAnswer
		}
		return answeredWhole
	case f.reset:
		reset(w)
		return "reset"
	case f.silent:
		did := unanswered
		if f.cut {
			answer.write(w, (len(answer.parts)+1)/2)
			did = unfinished
		}
		select {
		case <-client.Done():
			return did
		case <-time.After(serverPatience):
			reset(w)
			return did + " for long, then reset"
		}
	case f.cut:
		answer.write(w, (len(answer.parts)+1)/2)
		time.Sleep(50 * time.Millisecond) // a reset may overtake the bytes before it
		if client.Err() != nil {
			return leftMidAnswer
		}
		reset(w)
		return "200, then cut"
	}
	for name, values := range f.header {
		w.Header()[name] = values
	}
	for name, value := range answer.errorHeader(f.status) {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, answer.errorBody(f.status))
	return strconv.Itoa(f.status)
}

// reset ends the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// write sends the first n parts of the answer. It returns false if the client left.
func (a *wireAnswer) write(w http.ResponseWriter, n int) bool {
	w.Header().Set("Content-Type", a.contentType)
	if !a.streams {
		w.Header().Set("Content-Length", strconv.Itoa(len(strings.Join(a.parts, ""))))
	}
	w.WriteHeader(http.StatusOK)
	for _, part := range a.parts[:n] {
		_, _ = io.WriteString(w, part)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return false
		}
		if a.streams {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return true
}
