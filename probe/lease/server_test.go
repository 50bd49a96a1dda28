package lease_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/lease"
)

// apiServer is a made API server with one Lease. Its answers take latency.
type apiServer struct {
	latency time.Duration

	mu      sync.Mutex
	lease   map[string]any // nil: there is none
	version int
	asked   []string // method and time since the start of each request
	began   time.Time
}

func newAPIServer() *apiServer {
	return &apiServer{latency: 5 * time.Millisecond, began: time.Now()}
}

// answer answers a request.
type answer func(*http.Request) (*http.Response, error)

// way is the way of one process to an apiServer. instead, if set, answers in place of the
// server.
type way struct {
	server  *apiServer
	mu      sync.Mutex
	instead answer
}

// use makes instead answer the requests from now on; nil is the server itself.
func (w *way) use(instead answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instead = instead
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	instead := w.instead
	w.mu.Unlock()
	if instead == nil {
		return w.server.answer(r)
	}
	return instead(r)
}

// silent is a network that loses all packets.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// refusing is a host without a listener.
func refusing(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// deaf is a network that loses what the server answers.
func (w *way) deaf(r *http.Request) (*http.Response, error) {
	if _, err := w.server.answer(r); err != nil {
		return nil, err
	}
	return silent(r)
}

// status answers with a Status of the Kubernetes API.
func status(code int, message string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		text, err := json.Marshal(map[string]any{"kind": "Status", "message": message})
		response := reply(code, text)
		for i := 0; i+1 < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, err
	}
}

func reply(code int, text []byte) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}
}

// path is that of the Leases of the tests.
const path = "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases"

func (s *apiServer) answer(r *http.Request) (*http.Response, error) {
	time.Sleep(s.latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method)
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		return status(http.StatusUnauthorized, "Unauthorized")(r)
	case r.Method == http.MethodPost && r.URL.Path == path && s.lease == nil,
		r.Method == http.MethodPut && r.URL.Path == path+"/prober" && s.lease != nil:
		return s.write(r)
	case r.Method == http.MethodPost && s.lease != nil:
		return status(http.StatusConflict, "leases already exists")(r)
	case r.Method == http.MethodGet && r.URL.Path == path+"/prober" && s.lease != nil:
		return s.told(http.StatusOK)
	}
	return status(http.StatusNotFound, "not found")(r)
}

// write stores the Lease of a request.
func (s *apiServer) write(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var lease map[string]any
	if err := json.Unmarshal(text, &lease); err != nil {
		return status(http.StatusBadRequest, err.Error())(r)
	}
	if s.lease != nil && lease["metadata"].(map[string]any)["resourceVersion"] != strconv.Itoa(s.version) {
		return status(http.StatusConflict, "the object has been modified")(r)
	}
	s.store(lease)
	return s.told(http.StatusOK)
}

// store makes lease the next version.
func (s *apiServer) store(lease map[string]any) {
	s.version++
	lease["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(s.version)
	s.lease = lease
}

func (s *apiServer) told(code int) (*http.Response, error) {
	text, err := json.Marshal(s.lease)
	return reply(code, text), err
}

// edit changes the Lease as somebody with kubectl does. Nil from change deletes it.
func (s *apiServer) edit(change func(lease map[string]any) map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lease := change(s.lease); lease != nil {
		s.store(lease)
	} else {
		s.lease = nil
	}
}

// spec returns a field of the Lease.
func (s *apiServer) spec(field string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == nil {
		return nil
	}
	return s.lease["spec"].(map[string]any)[field]
}

// requests counts the requests so far whose method is among methods.
func (s *apiServer) requests(methods string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range s.asked {
		if strings.Contains(methods, method) {
			n++
		}
	}
	return n
}

// at is the server of an Elector whose way to it is w.
func (w *way) at(t *testing.T) lease.Server {
	t.Helper()
	return lease.Server{URL: "https://api", Token: func() (string, error) { return "secret", nil }, Transport: w}
}
