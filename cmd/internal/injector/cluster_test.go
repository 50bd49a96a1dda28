package injector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/client-go/rest"
)

// apiServer is an API server in memory: it stores objects by their paths, with versions,
// and refuses to replace a version that is not the newest. It is an http.RoundTripper, so
// that tests in a bubble of synctest can use it.
type apiServer struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	version int
	asked   []string // method and path of each request
	down    bool
	before  func(request string) // called before each request, without the lock
}

func newAPIServer() *apiServer { return &apiServer{objects: map[string]map[string]any{}} }

// config leads to the server. Nothing is sent over a network.
func (s *apiServer) config() *rest.Config {
	return &rest.Config{Host: "https://cluster.test", Transport: s}
}

// put stores the JSON of an object.
func (s *apiServer) put(path, text string) {
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(path, o)
}

func (s *apiServer) store(path string, o map[string]any) {
	s.version++
	metadata, _ := o["metadata"].(map[string]any)
	metadata["resourceVersion"] = strconv.Itoa(s.version)
	s.objects[path] = o
}

// get decodes an object into to. It says whether there is one.
func (s *apiServer) get(path string, to any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[path]
	if ok {
		text, _ := json.Marshal(o)
		_ = json.Unmarshal(text, to)
	}
	return ok
}

// below returns how many objects have paths that begin so.
func (s *apiServer) below(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for path := range s.objects {
		if strings.HasPrefix(path, prefix) {
			all = append(all, path)
		}
	}
	return all
}

func (s *apiServer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	request := r.Method + " " + r.URL.Path
	if s.before != nil {
		s.before(request)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, request)
	if s.down {
		return nil, errors.New("connection refused")
	}
	status, answer := s.do(r.Method, r.URL.Path, body)
	text, _ := json.Marshal(answer)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: r,
	}, nil
}

func (s *apiServer) do(method, path string, body []byte) (status int, answer any) {
	var sent map[string]any
	_ = json.Unmarshal(body, &sent)
	now := s.objects[path]
	switch {
	case method == http.MethodPost:
		metadata, _ := sent["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if name == "" {
			name = fmt.Sprint(metadata["generateName"], s.version)
		}
		if s.objects[path+"/"+name] != nil {
			return failure(http.StatusConflict, "AlreadyExists")
		}
		s.store(path+"/"+name, sent)
		return http.StatusCreated, sent
	case now == nil:
		return failure(http.StatusNotFound, "NotFound")
	case method == http.MethodPut:
		metadata, _ := sent["metadata"].(map[string]any)
		stored, _ := now["metadata"].(map[string]any)
		if metadata["resourceVersion"] != stored["resourceVersion"] {
			return failure(http.StatusConflict, "Conflict")
		}
		s.store(path, sent)
		return http.StatusOK, sent
	case method == http.MethodPatch:
		patch, err := jsonpatch.DecodePatch(body)
		if err != nil {
			return failure(http.StatusBadRequest, "BadRequest")
		}
		text, _ := json.Marshal(now)
		if text, err = patch.Apply(text); err != nil {
			return failure(http.StatusUnprocessableEntity, "Invalid")
		}
		var changed map[string]any
		_ = json.Unmarshal(text, &changed)
		s.store(path, changed)
		return http.StatusOK, changed
	}
	return http.StatusOK, now
}

func failure(status int, reason string) (int, any) {
	return status, map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "reason": reason, "message": reason, "code": status}
}
